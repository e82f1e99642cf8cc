// Stands in for WeChat's wxLogin.js: `new WxLogin({id, appid, scope, redirect_uri, state, ...})` shows the QR page in a
// frame of 300 by 400 pixels. Like the real script, it puts redirect_uri into the URL without encoding.
(() => {
  const page = new URL("../../../qrconnect", document.currentScript.src);

  window.WxLogin = class WxLogin {
    constructor({ id, appid, scope, redirect_uri, state = "", self_redirect = false, style = "", href = "" }) {
      const frame = document.createElement("iframe");
      frame.src =
        `${page}?appid=${appid}&scope=${scope}&redirect_uri=${redirect_uri}&state=${state}` +
        `&login_type=jssdk&self_redirect=${self_redirect}&style=${style}&href=${href}&response_type=code`;
      frame.width = "300px";
      frame.height = "400px";
      document.getElementById(id).replaceChildren(frame);
    }
  };
})();
