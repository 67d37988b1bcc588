"use strict";
// A role for each function, with only what that function uses. tests/project holds the same table.

const { attribute, functions, logicalId } = require("./names.js");

const allow = (actions, resource, condition) => ({
  Effect: "Allow",
  Action: actions,
  Resource: resource,
  ...(condition && { Condition: condition }),
});

// The key opens and seals nothing but what Forum says that it is for (shared/encryption/wrapping.py, get_context).
const useKey = (actions) =>
  allow(actions, process.env.KMS_KEY_ID || attribute("SecretsKey", "Arn"), {
    StringEquals: {
      "kms:EncryptionContext:app": "forum",
      "kms:EncryptionContext:purpose": ["github_token", "github_refresh_token"],
    },
  });

const queueRuns = allow(["sqs:SendMessage"], attribute("SyncQueue", "Arn"));

const RIGHTS = {
  // Takes tokens in, and never has to read one again.
  github_connection: [useKey(["kms:GenerateDataKey"])],
  github_import: [useKey(["kms:Decrypt", "kms:GenerateDataKey"]), queueRuns],
  github_sync: [queueRuns],
  sync_dispatcher: [queueRuns],
  sync_worker: [
    useKey(["kms:Decrypt", "kms:GenerateDataKey"]),
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
