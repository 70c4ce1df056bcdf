'use strict';
// Shows the routes and codes that hold every word of the search.
(() => {
  const field = document.getElementById('search');
  const shown = document.getElementById('found');
  const rows = [...document.querySelectorAll('section[id], tr.code')].map((node) => ({ node, text: node.textContent.toLowerCase() }));
  const filter = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    for (const { node, text } of rows) {
      const hit = words.every((word) => text.includes(word));
      node.hidden = !hit;
      if (hit) found += 1;
    }
    for (const group of document.querySelectorAll('.group')) {
      group.hidden = words.length > 0 && ![...group.querySelectorAll('section[id], tr.code')].some((node) => !node.hidden);
    }
    shown.textContent = words.length ? `找到 ${found} 项` : '';
  };
  field.addEventListener('input', filter);
  field.closest('[hidden]').hidden = false; // without scripts there is no search
})();
