"""What people and programmes see of a run: report files, plan, summary and progress. Reads plain values, decides nothing."""
