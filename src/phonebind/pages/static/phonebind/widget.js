// Shows the provider's own sign-in in this page. If its script does not load, the link below leads to its page.

const part = document.querySelector("[data-script]");

const script = document.createElement("script");
script.src = part.dataset.script;
script.addEventListener("load", () => {
  part.hidden = false;
  new window.WxLogin(Object.assign({ id: "widget" }, JSON.parse(part.dataset.options)));
  const frame = part.querySelector("iframe");
  if (frame) frame.title = part.dataset.title;
});
document.head.append(script);
