"use strict";
/* Buttons copy the text in `data-copy`. In it, and in the text of `data-fill`, {address} stands for this page's address. */
const filled = (text) => text.replaceAll("{address}", location.href.split("#")[0]);
for (const element of document.querySelectorAll("[data-fill]")) element.textContent = filled(element.textContent);
const said = document.getElementById("said");
for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", async () => {
    const text = filled(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(text);
      said.textContent = "Copied.";
    } catch {
      said.textContent = text;
    }
  });
}
