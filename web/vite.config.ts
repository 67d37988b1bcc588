import react from "@vitejs/plugin-react"
import { defineConfig } from "vite"

export default defineConfig({
  plugins: [react()],
  // `npm run dev` beside `make dev`: the API knows this port, and the page served there knows the backend.
  server: { port: 5174, strictPort: true, proxy: { "/config.json": "http://127.0.0.1:5173" } },
  build: {
    target: "es2022",
    // The page's policy (local/page/app.py) loads scripts, styles and pictures from files only.
    assetsInlineLimit: 0,
    // What counts is the first load, compressed: tests/page/test_size.py.
    chunkSizeWarningLimit: 1000,
  },
})
