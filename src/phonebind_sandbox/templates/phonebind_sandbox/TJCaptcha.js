// Stands in for Tencent's TJCaptcha.js: the same class and the same results, with one button in place of a puzzle.
// It calls its site by loading scripts, and sets styles by property: a page's policy only has to allow its origin.
(() => {
  const site = document.currentScript.src;
  const calls = new Map();

  class TencentCaptcha {
    /** (appId, callback, options), or the same after an element. */
    constructor(...given) {
      if (given[0] instanceof Element) given.shift();
      [this.appId, this.callback, this.options] = given;
      if (!this.appId || typeof this.callback !== "function") throw new TypeError("new TencentCaptcha(appId, callback, options)");
    }

    show() {
      this.destroy();
      this.dialog = ask(() => this.#request(), () => this.#finish({ ret: 2, ticket: null }));
    }

    destroy() {
      this.dialog?.remove();
    }

    #request() {
      const call = String(calls.size);
      calls.set(call, (issued) => this.#finish({ ret: 0, ...issued }));
      const script = document.createElement("script");
      script.src = new URL(`ticket.js?${new URLSearchParams({ app_id: this.appId, call })}`, site);
      // Like the real script: it invents a ticket. The page and its server decide whether to accept it.
      script.onerror = () => {
        const ticket = `trerror_1001_${this.appId}_${Math.floor(Date.now() / 1000)}`;
        this.#finish({ ret: 0, ticket, randstr: "@error", errorCode: 1001, errorMessage: "jsload_error" });
      };
      script.onload = () => script.remove();
      document.head.append(script);
    }

    #finish(answer) {
      // Cancelled while the ticket was being loaded.
      if (!this.dialog.isConnected) return;
      this.dialog.close();
      this.destroy();
      this.callback({ ...answer, CaptchaAppId: this.appId, bizState: this.options?.bizState });
    }

    static answered(call, issued) {
      calls.get(call)(issued);
    }
  }

  /** A modal dialog: the keyboard focus stays in it, and Escape cancels. */
  function ask(yes, no) {
    const dialog = document.createElement("dialog");
    const title = document.createElement("p");
    title.id = "sandbox-captcha-title";
    title.textContent = "沙箱里的腾讯验证码 Tencent's captcha, in the sandbox";
    const confirm = button("我是真人 I am a person", yes);
    dialog.append(title, confirm, button("取消 Cancel", no));
    dialog.setAttribute("aria-labelledby", title.id);
    Object.assign(dialog.style, { maxWidth: "20rem", padding: "1rem", border: "1px solid", borderRadius: "0.75rem" });
    dialog.addEventListener("cancel", no);
    document.body.append(dialog);
    dialog.showModal();
    return dialog;
  }

  function button(label, act) {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = label;
    Object.assign(made.style, { minHeight: "3rem", margin: "0 0.5rem 0.5rem 0", padding: "0 1rem" });
    made.addEventListener("click", act, { once: true });
    return made;
  }

  window.TencentCaptcha = TencentCaptcha;
})();
