"use strict";
// A role for each function, with only what that function uses. tests/project holds the same table.

const { attribute, functions, logicalId, verifying } = require("./names.js");
const tracing = require("./tracing.js");

const allow = (actions, resource, condition) => ({
  Effect: "Allow",
  Action: actions,
  Resource: resource,
  ...(condition && { Condition: condition }),
});

// Everything is sealed under the one, and under the other what a rotation has not come to yet.
const key = process.env.KMS_KEY_ID || attribute("SecretsKey", "Arn");
const previousKey = process.env.KMS_KEY_ID_PREVIOUS;

const GITHUB = ["github_token", "github_refresh_token"];
const APP_INFO = ["app_info"];

// A key opens and seals nothing but what Forum says that it is for (shared/encryption/wrapping.py, get_context).
const madeFor = (purposes) => ({
  StringEquals: { "kms:EncryptionContext:app": "forum", "kms:EncryptionContext:purpose": purposes },
});

const seal = (purposes) => [allow(["kms:GenerateDataKey"], key, madeFor(purposes))];

const sealAndOpen = (purposes) => [
  allow(["kms:Decrypt", "kms:GenerateDataKey"], key, madeFor(purposes)),
  ...(previousKey ? [allow(["kms:Decrypt"], previousKey, madeFor(purposes))] : []),
];

const queueRuns = allow(["sqs:SendMessage"], attribute("SyncQueue", "Arn"));

const RIGHTS = {
  app_info: sealAndOpen(APP_INFO),
  // Takes tokens in, and never has to read one again.
  github_connection: seal(GITHUB),
  github_import: [...sealAndOpen(GITHUB), queueRuns],
  github_sync: [queueRuns],
  sync_dispatcher: [queueRuns],
  sync_worker: [
    ...sealAndOpen(GITHUB),
    allow(["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"], attribute("SyncQueue", "Arn")),
  ],
};

/** What a function is told the place of, it may read: the parameters that its environment names, one by one. */
function readSecrets(name, provider, own) {
  // The legacy secret is for verifying tokens only.
  const { SUPABASE_JWT_SECRET } = provider;
  const told = [...(verifying.includes(name) ? [SUPABASE_JWT_SECRET] : []), ...Object.values(own ?? {})];
  const resources = told
    .filter((value) => typeof value === "string" && value.startsWith("ssm:/"))
    .map((value) => value.slice("ssm:".length))
    .map((parameter) => ({
      "Fn::Sub": `arn:\${AWS::Partition}:ssm:\${AWS::Region}:\${AWS::AccountId}:parameter${parameter}`,
    }));
  // No right to the key behind: AWS's own, aws/ssm, is open to whoever may read the parameter.
  return resources.length ? [allow(["ssm:GetParameter"], resources)] : [];
}

// X-Ray's actions know no resources: the only wildcard, and only where tracing is switched on.
const trace = tracing.isOn
  ? [allow(["xray:PutTelemetryRecords", "xray:PutTraceSegments"], "*")]
  : [];

function trustedBy(service) {
  return {
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Principal: { Service: service }, Action: "sts:AssumeRole" }],
  };
}

function role(service, statements) {
  return {
    Type: "AWS::IAM::Role",
    Properties: {
      AssumeRolePolicyDocument: trustedBy(service),
      Policies: [{ PolicyName: "own", PolicyDocument: { Version: "2012-10-17", Statement: statements } }],
    },
  };
}

function functionRole(name, secrets) {
  // The ARN of a log group ends with `:*`, which stands for its streams.
  const log = allow(["logs:CreateLogStream", "logs:PutLogEvents"], attribute(`${logicalId(name)}LogGroup`, "Arn"));
  return role("lambda.amazonaws.com", [log, ...(RIGHTS[name] ?? []), ...secrets, ...trace]);
}

const scheduleRole = role("scheduler.amazonaws.com", [
  allow(["lambda:InvokeFunction"], attribute("SyncUnderscoredispatcherLambdaFunction", "Arn")),
  allow(["sqs:SendMessage"], attribute("ScheduleDeadLetters", "Arn")),
]);

module.exports = async ({ resolveVariable }) => {
  const [provider, configured] = await Promise.all([
    resolveVariable("self:provider.environment"),
    resolveVariable("self:functions"),
  ]);
  const ofFunctions = functions.map((name) => [
    `${logicalId(name)}Role`,
    functionRole(name, readSecrets(name, provider, configured[name].environment)),
  ]);
  return { Resources: { ...Object.fromEntries(ofFunctions), ScheduleRole: scheduleRole } };
};
