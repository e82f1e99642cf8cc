import { createRouter, createWebHistory } from "vue-router";
import { pair } from "./api/tokens";
import BindPage from "./pages/BindPage.vue";
import CallbackPage from "./pages/CallbackPage.vue";
import HomePage from "./pages/HomePage.vue";
import LoginPage from "./pages/LoginPage.vue";
import OrdersPage from "./pages/OrdersPage.vue";

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: "/", component: HomePage },
    { path: "/login", component: LoginPage },
    { path: "/callback/:provider", component: CallbackPage }, // the redirect_uri of each provider
    { path: "/bind", component: BindPage },
    { path: "/orders", component: OrdersPage, meta: { account: true } },
  ],
});

// Pages that take an account lead through the sign-in and back.
router.beforeEach((to) => (to.meta.account && !pair.value ? { path: "/login", query: { next: to.fullPath } } : true));
