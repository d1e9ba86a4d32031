"use strict";
// The page is whole without this script. It adds: players in place, the filter, copying a command.
(() => {
  const cards = Array.from(document.querySelectorAll(".card"));
  const texts = new Map();
  const find = document.getElementById("find");
  const shown = document.getElementById("shown");
  const nothing = document.getElementById("nothing");
  let shelf = "";

  const textOf = (card) => {
    if (!texts.has(card)) texts.set(card, card.textContent.toLowerCase());
    return texts.get(card);
  };

  const filter = () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const card of cards) {
      const fits = (!shelf || card.dataset.s === shelf) && words.every((word) => textOf(card).includes(word));
      card.hidden = !fits;
      count += fits;
    }
    shown.textContent = count === cards.length ? "" : `${count} of ${cards.length} jobs`;
    nothing.hidden = count > 0;
    for (const chip of document.querySelectorAll(".chip")) {
      if (chip.dataset.shelf === shelf) chip.setAttribute("aria-current", "true");
      else chip.removeAttribute("aria-current");
    }
  };

  // The filter lives in the address, so that a link to the page can carry it.
  const remember = () => {
    const parts = [shelf && `s:${shelf}`, find.value.trim()].filter(Boolean);
    history.replaceState(null, "", parts.length ? `#${encodeURIComponent(parts.join(" "))}` : "#all");
  };
  const recall = () => {
    let hash = "";
    try { hash = decodeURIComponent(location.hash.slice(1)); } catch { /* a broken address filters nothing */ }
    if (hash === "sheet" || hash === "causes") return;
    const match = /^(?:s:([a-z]+))?\s*(.*)$/.exec(hash === "all" ? "" : hash) || [];
    shelf = match[1] || "";
    find.value = match[2] || "";
    filter();
  };

  const play = (shot) => {
    const player = document.createElement(shot.dataset.kind);
    player.controls = true;
    player.autoplay = true;
    player.playsInline = true;
    player.preload = "auto";
    player.src = shot.getAttribute("href");
    const stage = document.createElement("div");
    stage.className = "shot";
    stage.append(player);
    const poster = shot.querySelector("img");
    if (poster && shot.dataset.kind === "video") player.poster = poster.src;
    const leave = () => { player.pause(); player.removeAttribute("src"); player.load(); stage.replaceWith(shot); };
    player.addEventListener("keydown", (event) => { if (event.key === "Escape") { leave(); shot.focus(); } });
    player.addEventListener("play", () => {
      for (const other of document.querySelectorAll(".shot video, .shot audio")) if (other !== player) other.pause();
    });
    shot.replaceWith(stage);
    player.focus();
  };

  document.addEventListener("click", (event) => {
    const plain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
    const shot = event.target.closest("a.shot");
    const chip = event.target.closest("a.chip");
    const copy = event.target.closest(".copy");
    if (shot && plain) { event.preventDefault(); play(shot); }
    if (chip && plain) { event.preventDefault(); shelf = chip.dataset.shelf; filter(); remember(); }
    if (copy) {
      navigator.clipboard.writeText(copy.parentElement.querySelector("code").textContent)
        .then(() => { copy.textContent = "copied"; }, () => { copy.textContent = "select and copy"; });
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.target.closest("input, video, audio") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/") { event.preventDefault(); find.focus(); }
    if (event.key === "f") { shelf = "failed"; filter(); remember(); }
    if (event.key === "a") { shelf = ""; find.value = ""; filter(); remember(); }
  });
  find.addEventListener("input", () => { filter(); remember(); });
  window.addEventListener("hashchange", recall);
  // A page from a server without TLS has no clipboard; one from disk has.
  document.querySelectorAll(navigator.clipboard ? ".find, #shown, .copy" : ".find, #shown").forEach((part) => { part.hidden = false; });
  recall();
})();
