"use strict";
// A role for each function, with only what that function uses. tests/project holds the same table.

const { attribute, functions, logicalId, roleName, verifying } = require("./names.js");
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
  // Its secrets; and the stored token, to ask GitHub for the examples of .env files.
  app_info: sealAndOpen([...APP_INFO, ...GITHUB]),
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

// A service acts for whoever asks it to: it may take a role of this account for this account's things only.
const FOR_THIS_ACCOUNT = { StringEquals: { "aws:SourceAccount": { Ref: "AWS::AccountId" } } };

function trustedBy(service, condition) {
  return {
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Principal: { Service: service },
        Action: "sts:AssumeRole",
        Condition: { ...FOR_THIS_ACCOUNT, ...condition },
      },
    ],
  };
}

function role(service, statements, condition) {
  return {
    Type: "AWS::IAM::Role",
    Properties: {
      // The one who deploys can make no role without it (deployer-policy.json), and so none that may do more.
      PermissionsBoundary: { "Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:policy/forum-boundary" },
      AssumeRolePolicyDocument: trustedBy(service, condition),
      Policies: [{ PolicyName: "own", PolicyDocument: { Version: "2012-10-17", Statement: statements } }],
    },
  };
}

function functionRole(name, secrets) {
  // The ARN of a log group ends with `:*`, which stands for its streams.
  const log = allow(["logs:CreateLogStream", "logs:PutLogEvents"], attribute(`${logicalId(name)}LogGroup`, "Arn"));
  return role("lambda.amazonaws.com", [log, ...(RIGHTS[name] ?? []), ...secrets, ...trace]);
}

// EventBridge Scheduler names the group of the schedule, not the schedule.
const FOR_ITS_GROUP = {
  ArnLike: {
    "aws:SourceArn": {
      "Fn::Sub": "arn:${AWS::Partition}:scheduler:${AWS::Region}:${AWS::AccountId}:schedule-group/default",
    },
  },
};

const scheduleRole = role(
  "scheduler.amazonaws.com",
  [
    ...["maintenance", "sync_dispatcher"].map((name) =>
      allow(["lambda:InvokeFunction"], attribute(`${logicalId(name)}LambdaFunction`, "Arn")),
    ),
    allow(["sqs:SendMessage"], attribute("ScheduleDeadLetters", "Arn")),
  ],
  FOR_ITS_GROUP,
);

module.exports = async ({ resolveVariable }) => {
  const [provider, configured] = await Promise.all([
    resolveVariable("self:provider.environment"),
    resolveVariable("self:functions"),
  ]);
  const ofFunctions = functions.map((name) => [
    roleName(name),
    functionRole(name, readSecrets(name, provider, configured[name].environment)),
  ]);
  return { Resources: { ...Object.fromEntries(ofFunctions), ScheduleRole: scheduleRole } };
};
