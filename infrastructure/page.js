"use strict";
// The page in a bucket of its own behind CloudFront, at PAGE_URL: where a stage has a certificate for that name, and
// nowhere else. `make deploy` puts the files there (operations/page.py).

const { API_URL_OF_PAGE = "", PAGE_CERTIFICATE_ARN = "", PAGE_URL, SUPABASE_URL } = process.env;

// AWS's own policy "CachingOptimized": it keeps what `Cache-Control` lets it keep.
const CACHING = "658327ea-f89d-4fab-a63d-7e88639e58f6";
const TWO_YEARS = 63072000;
// Vite's files, by the names that operations/page.py uploads. Every other address is one within the page.
const REWRITE = `function handler(event) {
  var request = event.request;
  if (!/^\\/(assets\\/.+|icon\\.svg|config\\.json)$/.test(request.uri)) request.uri = "/index.html";
  return request;
}`;

// As local/page_server/app.py has them; a test holds the two equal.
function headers() {
  const api = API_URL_OF_PAGE
    ? new URL(API_URL_OF_PAGE).origin
    : "https://${HttpApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}";
  // What https: lets through does not include it.
  const realtime = new URL(SUPABASE_URL).origin.replace(/^http/, "ws");
  const policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " +
    `connect-src 'self' ${api} ${new URL(SUPABASE_URL).origin} ${realtime}; base-uri 'none'; form-action 'none'; ` +
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types dompurify";
  return {
    SecurityHeadersConfig: {
      ContentSecurityPolicy: { ContentSecurityPolicy: API_URL_OF_PAGE ? policy : { "Fn::Sub": policy }, Override: true },
      ContentTypeOptions: { Override: true },
      ReferrerPolicy: { ReferrerPolicy: "no-referrer", Override: true },
      StrictTransportSecurity: { AccessControlMaxAgeSec: TWO_YEARS, Override: true },
    },
    CustomHeadersConfig: {
      Items: [
        { Header: "Cross-Origin-Opener-Policy", Value: "same-origin-allow-popups", Override: true },
        { Header: "Permissions-Policy", Value: "camera=(), geolocation=(), microphone=()", Override: true },
      ],
    },
  };
}

function statement(effect, principal, condition, action, resources) {
  return { Effect: effect, Principal: principal, Action: action, Resource: resources, Condition: condition };
}

function resources(name) {
  const bucket = { "Fn::GetAtt": ["PageBucket", "Arn"] };
  const files = { "Fn::Sub": "${PageBucket.Arn}/*" };
  const distribution = {
    "Fn::Sub": "arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/${PageDistribution}",
  };
  return {
    PageBucket: {
      Type: "AWS::S3::Bucket",
      Properties: {
        // Nobody reads it but CloudFront: the headers come from there.
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true, BlockPublicPolicy: true, IgnorePublicAcls: true, RestrictPublicBuckets: true,
        },
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" } }],
        },
      },
    },
    PageBucketPolicy: {
      Type: "AWS::S3::BucketPolicy",
      Properties: {
        Bucket: { Ref: "PageBucket" },
        PolicyDocument: {
          Version: "2012-10-17",
          Statement: [
            statement(
              "Allow", { Service: "cloudfront.amazonaws.com" }, { StringEquals: { "AWS:SourceArn": distribution } },
              "s3:GetObject", files,
            ),
            statement("Deny", "*", { Bool: { "aws:SecureTransport": "false" } }, "s3:*", [bucket, files]),
          ],
        },
      },
    },
    PageAccess: {
      Type: "AWS::CloudFront::OriginAccessControl",
      Properties: {
        OriginAccessControlConfig: {
          Name: name, OriginAccessControlOriginType: "s3", SigningBehavior: "always", SigningProtocol: "sigv4",
        },
      },
    },
    PageHeaders: {
      Type: "AWS::CloudFront::ResponseHeadersPolicy",
      Properties: { ResponseHeadersPolicyConfig: { Name: name, ...headers() } },
    },
    PageAddresses: {
      Type: "AWS::CloudFront::Function",
      Properties: {
        Name: name,
        AutoPublish: true,
        FunctionCode: REWRITE,
        FunctionConfig: { Comment: "Every address within the page is the page.", Runtime: "cloudfront-js-2.0" },
      },
    },
    PageDistribution: {
      Type: "AWS::CloudFront::Distribution",
      Properties: {
        Tags: [{ Key: "service", Value: "forum" }],
        DistributionConfig: {
          Aliases: [new URL(PAGE_URL).hostname],
          Enabled: true,
          HttpVersion: "http2and3",
          IPV6Enabled: true,
          PriceClass: "PriceClass_100",
          Origins: [
            {
              Id: "bucket",
              DomainName: { "Fn::GetAtt": ["PageBucket", "RegionalDomainName"] },
              OriginAccessControlId: { "Fn::GetAtt": ["PageAccess", "Id"] },
              S3OriginConfig: { OriginAccessIdentity: "" },
            },
          ],
          DefaultCacheBehavior: {
            TargetOriginId: "bucket",
            ViewerProtocolPolicy: "redirect-to-https",
            AllowedMethods: ["GET", "HEAD"],
            Compress: true,
            CachePolicyId: CACHING,
            ResponseHeadersPolicyId: { Ref: "PageHeaders" },
            FunctionAssociations: [
              { EventType: "viewer-request", FunctionARN: { "Fn::GetAtt": ["PageAddresses", "FunctionARN"] } },
            ],
          },
          ViewerCertificate: {
            AcmCertificateArn: PAGE_CERTIFICATE_ARN,
            MinimumProtocolVersion: "TLSv1.2_2021",
            SslSupportMethod: "sni-only",
          },
        },
      },
    },
  };
}

module.exports = async ({ resolveVariable }) => {
  // The local stack reads serverless.yml with a word in the place of every setting.
  if (!PAGE_CERTIFICATE_ARN.startsWith("arn:")) return { Resources: {} };
  const stage = await resolveVariable("self:provider.stage");
  return {
    Resources: resources(`forum-${stage}-page`),
    Outputs: {
      PageAddress: {
        Description: "What the page's name has to be a CNAME or alias of.",
        Value: { "Fn::GetAtt": ["PageDistribution", "DomainName"] },
      },
    },
  };
};
