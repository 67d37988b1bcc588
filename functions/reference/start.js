// Without the validator, which would send this document's address to swagger.io, and without storing the token:
// it is gone with the page.
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#reference",
  layout: "BaseLayout",
  validatorUrl: null,
  persistAuthorization: false,
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
});
