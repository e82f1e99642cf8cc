import { createApp } from "vue";
import App from "./App.vue";
import { router } from "./router";
import { language } from "./texts";
import "./style.css";

document.documentElement.lang = language;
createApp(App).use(router).mount("#app");
