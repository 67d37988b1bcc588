"use strict";
// A role for each function, with only what that function uses. tests/project holds the same table.

const { attribute, functions, logicalId } = require("./names.js");

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

function functionRole(name) {
  // The ARN of a log group ends with `:*`, which stands for its streams.
  const log = allow(["logs:CreateLogStream", "logs:PutLogEvents"], attribute(`${logicalId(name)}LogGroup`, "Arn"));
  return role("lambda.amazonaws.com", [log, ...(RIGHTS[name] ?? [])]);
}

const Resources = Object.fromEntries(functions.map((name) => [`${logicalId(name)}Role`, functionRole(name)]));

Resources.ScheduleRole = role("scheduler.amazonaws.com", [
  allow(["lambda:InvokeFunction"], attribute("SyncUnderscoredispatcherLambdaFunction", "Arn")),
  allow(["sqs:SendMessage"], attribute("ScheduleDeadLetters", "Arn")),
]);

module.exports = { Resources };
