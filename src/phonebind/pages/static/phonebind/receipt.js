// Tells what became of an SMS, in place. Without this file the button posts the form, and the page comes back with it.
// Written for the same old browsers as bind.js, which restores the field after a reload, and says what was answered.

const form = document.querySelector("form[data-bind]");
const part = form.querySelector("[data-receipt]");
const [receipt, button, told] = part.children;
let asking = false;

part.hidden = !receipt.value;

form.addEventListener("answer", ({ detail }) => {
  if (!detail.receipt) return;
  receipt.value = detail.receipt;
  told.textContent = "";
  part.hidden = false;
});

button.addEventListener("click", async (event) => {
  // bind.js would take the submit for a bind.
  event.preventDefault();
  if (asking) return;
  asking = true;
  told.textContent = form.dataset.sending;
  told.textContent = await ask();
  asking = false;
});

async function ask() {
  const body = new URLSearchParams({ action: "receipt" });
  for (const name of ["access_token", "mobile", "receipt"]) body.set(name, form.elements[name].value);
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
