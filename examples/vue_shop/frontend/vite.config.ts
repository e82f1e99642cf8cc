import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vite";

// Browsers see one origin: no CORS, and the cookies of a sign-in come along. In production nginx does the same.
const backend = process.env.BACKEND ?? "http://127.0.0.1:8000";
// The API sees the host that the browser sees. A plain `"/api": backend` would change it.
const proxy = { "/api": { target: backend, changeOrigin: false } };
// The page keeps tokens, so no script of others may run in it. In production nginx sends this header.
const policy =
  "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

export default defineConfig({
  plugins: [vue()],
  server: { host: "127.0.0.1", port: 5173, strictPort: true, proxy },
  preview: { host: "127.0.0.1", port: 5173, strictPort: true, headers: { "Content-Security-Policy": policy } },
});
