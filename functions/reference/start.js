// Without the validator, which would send this document's address to swagger.io, and without storing the token:
// it is gone with the page. Calls go to where the page is, whatever address the document names: a proxy may stand
// before the API, and the page's policy lets them go nowhere else.
fetch("openapi.json")
  .then((answer) => answer.json())
  .then((contract) => {
    SwaggerUIBundle({
      spec: { ...contract, servers: [{ url: new URL(".", location.href).href.replace(/\/$/, "") }] },
      dom_id: "#reference",
      layout: "BaseLayout",
      validatorUrl: null,
      persistAuthorization: false,
      deepLinking: true,
      docExpansion: "list",
      defaultModelsExpandDepth: 0,
      displayRequestDuration: true,
    });
  });
