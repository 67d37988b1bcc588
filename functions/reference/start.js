// Swagger UI has both looks, and leaves it to the page which one is seen.
const dark = matchMedia("(prefers-color-scheme: dark)");
const dress = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", dress);
dress();

// Without the validator, which would send this document's address to swagger.io, and without storing the token:
// it is gone with the page. Calls go to where the page is, whatever address the document names: a proxy may stand
// before the API, and the page's policy lets them go nowhere else.
fetch("openapi.json")
  .then((answer) => answer.json())
  .then((contract) => {
    const ui = SwaggerUIBundle({
      spec: { ...contract, servers: [{ url: new URL(".", location.href).href.replace(/\/$/, "") }] },
      dom_id: "#reference",
      layout: "BaseLayout",
      validatorUrl: null,
      persistAuthorization: false,
      deepLinking: true,
      docExpansion: "list",
      defaultModelsExpandDepth: 0,
      displayRequestDuration: true,
      onComplete: () => askForToken((token) => ui.preauthorizeApiKey("bearer", token)),
    });
  });

// Forum's page, where it has opened this one, answers with the token of whoever is signed in there (web/src/reference.ts).
// Another page's token would be another account's: what is tried here would end up there.
function askForToken(take) {
  const origin = document.querySelector("meta[name=page-origin]").content;
  if (!window.opener || !origin) return;
  window.addEventListener("message", ({ source, origin: from, data }) => {
    if (source === window.opener && from === origin && typeof data?.token === "string") take(data.token);
  });
  window.opener.postMessage("forum:token", origin);
}
