// Tells what became of an SMS, in place. Without this file the button posts the form, and the page comes back with it.
// Written for the same old browsers as code_form.js, which restores the field after a reload, and says what was answered.

const form = document.querySelector("form[data-form]");
const part = form.querySelector("[data-receipt]");
const [receipt, button, told] = part.children;
/** What the server needs to answer, besides the act. */
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
  // code_form.js would take the submit for a bind.
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
    // The ten minutes are over; the page itself says so best.
    if (code === "ticket_invalid") location.reload();
    return message;
  } catch {
    return form.dataset.failed;
  }
}
