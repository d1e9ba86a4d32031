-- A state of format 1 as the code of that time wrote it: one job delivered, one running, one in doubt.
PRAGMA application_id=1129531476;
PRAGMA user_version=1;
BEGIN TRANSACTION;
CREATE TABLE charges (
	job INTEGER NOT NULL, 
	attempt INTEGER NOT NULL, 
	reserved TEXT, 
	settled TEXT, 
	currency TEXT, 
	day TEXT NOT NULL, 
	PRIMARY KEY (job, attempt), 
	FOREIGN KEY(job) REFERENCES jobs (seq)
);
INSERT INTO "charges" VALUES(1,1,'0.20',NULL,'USD','2023-11-14');
INSERT INTO "charges" VALUES(2,1,'0.20',NULL,'USD','2023-11-14');
INSERT INTO "charges" VALUES(3,1,'0.20',NULL,'USD','2023-11-14');
CREATE TABLE events (
	seq INTEGER NOT NULL, 
	job INTEGER NOT NULL, 
	run_id TEXT, 
	at DOUBLE NOT NULL, 
	type TEXT NOT NULL, 
	payload TEXT NOT NULL, 
	PRIMARY KEY (seq), 
	FOREIGN KEY(job) REFERENCES jobs (seq), 
	FOREIGN KEY(run_id) REFERENCES runs (run_id)
);
INSERT INTO "events" VALUES(1,1,'20231114T221320Z-abc123',1700000000.0,'SubmitStarted','{"external_id":"own-1","request_sha256":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd","reserved":"0.20 USD","output_stem":"eu/1"}');
INSERT INTO "events" VALUES(2,1,'20231114T221320Z-abc123',1700000001.0,'ReplyReceived','{"status":200,"body_bytes":17,"truncated":false}');
INSERT INTO "events" VALUES(3,1,'20231114T221320Z-abc123',1700000001.0,'Accepted','{"task_id":"t-1"}');
INSERT INTO "events" VALUES(4,1,'20231114T221320Z-abc123',1700000060.0,'TaskReady','{"outputs":{"video_url":"https://cdn.example.com/v.mp4","duration_s":2.5},"actual":null,"units":"3"}');
INSERT INTO "events" VALUES(5,1,'20231114T221320Z-abc123',1700000070.0,'Delivered','{"output":{"path":"eu/1.mp4","sha256":"abababababababababababababababababababababababababababababababab","size_bytes":1234,"mtime_ns":17,"media_type":"video/mp4","duration_s":2.5,"width":64,"height":36,"has_audio":null}}');
INSERT INTO "events" VALUES(6,2,'20231114T221320Z-abc123',1700000005.0,'SubmitStarted','{"external_id":"own-1","request_sha256":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd","reserved":"0.20 USD","output_stem":"eu/1"}');
INSERT INTO "events" VALUES(7,2,'20231114T221320Z-abc123',1700000001.0,'Accepted','{"task_id":"t-2"}');
INSERT INTO "events" VALUES(8,3,'20231114T221320Z-abc123',1700000006.0,'SubmitStarted','{"external_id":"own-1","request_sha256":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd","reserved":"0.20 USD","output_stem":"eu/1"}');
INSERT INTO "events" VALUES(9,3,'20231114T221320Z-abc123',1700000007.0,'SubmitLost','{"failure":{"cause":null,"code":"P501","message":"connection reset","request_id":null}}');
CREATE TABLE jobs (
	seq INTEGER NOT NULL, 
	job_id TEXT NOT NULL, 
	fingerprint TEXT NOT NULL, 
	uses TEXT NOT NULL, 
	operation TEXT NOT NULL, 
	tags TEXT NOT NULL, 
	source_file TEXT NOT NULL, 
	source_line INTEGER NOT NULL, 
	state TEXT NOT NULL, 
	attempt INTEGER NOT NULL, 
	external_id TEXT, 
	request_sha256 TEXT, 
	output_stem TEXT NOT NULL, 
	reserved TEXT, 
	reserved_currency TEXT, 
	actual TEXT, 
	actual_currency TEXT, 
	units TEXT, 
	task_id TEXT, 
	submitted_at DOUBLE, 
	accepted_at DOUBLE, 
	ready_at DOUBLE, 
	done_at DOUBLE, 
	output TEXT, 
	failure TEXT, 
	address TEXT, 
	outputs TEXT NOT NULL, 
	reply_status INTEGER, 
	reply_headers TEXT, 
	reply_truncated BOOLEAN, 
	reply_body BLOB, 
	request BLOB, 
	PRIMARY KEY (seq), 
	UNIQUE (job_id, fingerprint)
);
INSERT INTO "jobs" VALUES(1,'welcome/1','f1','digital-human/avatar','digital-human/avatar','[]','',0,'succeeded',1,'own-1','cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd','eu/1','0.20','USD',NULL,NULL,'3','t-1',1700000000.0,1700000001.0,1700000060.0,1700000070.0,'{"path":"eu/1.mp4","sha256":"abababababababababababababababababababababababababababababababab","size_bytes":1234,"mtime_ns":17,"media_type":"video/mp4","duration_s":2.5,"width":64,"height":36,"has_audio":null}',NULL,NULL,'{"video_url":"https://cdn.example.com/v.mp4?signature=s3cret","duration_s":2.5}',NULL,NULL,NULL,NULL,X'7B2274657874223A226869227D');
INSERT INTO "jobs" VALUES(2,'welcome/2','f1','digital-human/avatar','digital-human/avatar','[]','',0,'running',1,'own-1','cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd','eu/1','0.20','USD',NULL,NULL,NULL,'t-2',1700000005.0,1700000001.0,NULL,NULL,NULL,NULL,NULL,'{}',NULL,NULL,NULL,NULL,X'7B2274657874223A226869227D');
INSERT INTO "jobs" VALUES(3,'welcome/3','f1','digital-human/avatar','digital-human/avatar','[]','',0,'in_doubt',1,'own-1','cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd','eu/1','0.20','USD',NULL,NULL,NULL,NULL,1700000006.0,NULL,NULL,NULL,NULL,'{"cause":null,"code":"P501","message":"connection reset","request_id":null}',NULL,'{}',NULL,NULL,NULL,NULL,X'7B2274657874223A226869227D');
CREATE TABLE meta (
	"key" TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "meta" VALUES('manifest_name','autumn');
INSERT INTO "meta" VALUES('manifest_path','autumn.yaml');
INSERT INTO "meta" VALUES('witness_size','1884');
INSERT INTO "meta" VALUES('witness_tail','9938adf4a34d39d93811c8b2150f7350');
INSERT INTO "meta" VALUES('witness_due','');
CREATE TABLE runs (
	seq INTEGER NOT NULL, 
	run_id TEXT NOT NULL, 
	started_at DOUBLE NOT NULL, 
	ended_at DOUBLE, 
	exit_code INTEGER, 
	manifest_sha256 TEXT NOT NULL, 
	overrides TEXT NOT NULL, 
	PRIMARY KEY (seq), 
	UNIQUE (run_id)
);
INSERT INTO "runs" VALUES(1,'20231114T221320Z-abc123',1700000000.0,1700000099.0,6,'0000000000000000000000000000000000000000000000000000000000000000','{}');
CREATE INDEX jobs_by_result ON jobs (uses, ready_at);
CREATE INDEX jobs_by_state ON jobs (state, submitted_at);
CREATE INDEX ix_events_job ON events (job);
COMMIT;
