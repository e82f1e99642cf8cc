// Shows in place whether an SMS was delivered. Without this file the button posts the form, and the next page shows it.
// Written for the same old browsers as code_form.js. That file restores the field after a reload, and sends the event
// `answer`.

const form = document.querySelector("form[data-form]");
const part = form.querySelector("[data-receipt]");
const [receipt, button, told] = part.children;
/** The fields that the server needs, besides `action`. */
const SENT = new Set(["access_token", "csrfmiddlewaretoken", "flow", "mobile", "receipt"]);
let asking = false;

part.hidden = !receipt.value;

form.addEventListener("answer", ({ detail }) => {
  if (!detail.receipt) return;
  receipt.value = detail.receipt;
  told.textContent = "";
  part.hidden = false;
});

button.addEventListener("click", async (event) => {
  // Otherwise code_form.js would treat the submit as a bind.
  event.preventDefault();
  if (asking) return;
  asking = true;
  told.textContent = form.dataset.sending;
  told.textContent = await ask();
  asking = false;
});

async function ask() {
  const body = new URLSearchParams({ action: "receipt" });
  for (const { name, value } of form.elements) if (SENT.has(name)) body.set(name, value);
  try {
    const response = await fetch(location.href, { method: "POST", body, headers: { Accept: "application/json" } });
    const { code, message } = await response.json();
    // The ten minutes are over. The reloaded page says so.
    if (code === "ticket_invalid") location.reload();
    return message;
  } catch {
    return form.dataset.failed;
  }
}
