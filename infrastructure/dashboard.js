"use strict";
// What there is to look at once an alarm has told. docs/operations.md says where to begin.

const { functions, inBackground, logicalId, verifying } = require("./names.js");

const MINUTE = 60;
const WIDTH = 12;
const HEIGHT = 6;
const COLUMNS = 2;

const QUEUES = ["SyncQueue", "SyncDeadLetters", "ScheduleDeadLetters"];
const answering = functions.filter((name) => !inBackground.includes(name));

/** Forum's own, as shared/runtime/metrics.py has them, by the title that they stand under. */
const COUNTED = {
  "Answers of 500 and above, by function": { metrics: ["ServerErrors"], of: answering },
  "Answers of 400 to 499, by function": { metrics: ["ClientErrors"], of: answering },
  "Re-syncs that were queued": { metrics: ["SyncRunsQueued", "SyncRunsNotQueued"], of: ["sync_dispatcher"] },
  "Re-syncs that have ended": {
    metrics: ["SyncRunsSucceeded", "SyncRunsPartial", "SyncRunsFailed", "SyncRunsNeedingToken", "SyncInterruptions"],
    of: ["sync_worker"],
  },
  "What GitHub was asked, and what has changed": {
    metrics: ["GitHubRequests", "GitHubPoints", "RepositoriesChanged"],
    of: ["sync_worker"],
  },
  "Signing keys that could not be fetched": { metrics: ["JwksFailures"], of: verifying },
  "Rows that have had their time": { metrics: ["RowsPruned"], of: ["maintenance"] },
  "Steps of the maintenance that have failed or have more to do": {
    metrics: ["MaintenanceStepsFailed", "MaintenanceStepsLeft"],
    of: ["maintenance"],
  },
  "Secrets shown": { metrics: ["Reveals"], of: ["app_info"] },
};

function graph(title, metrics, properties) {
  return {
    type: "metric",
    properties: { title, region: "${AWS::Region}", view: "timeSeries", period: 5 * MINUTE, stat: "Sum", metrics, ...properties },
  };
}

function ofFunctions(title, metric, properties) {
  const metrics = functions.map((name) => [
    "AWS/Lambda", metric, "FunctionName", `\${${logicalId(name)}LambdaFunction}`, { label: name },
  ]);
  return graph(title, metrics, properties);
}

function ofQueues(title, metric, queues) {
  const metrics = queues.map((name) => ["AWS/SQS", metric, "QueueName", `\${${name}.QueueName}`, { label: name }]);
  return graph(title, metrics, { stat: "Maximum" });
}

function ofApi(title, metrics) {
  return graph(title, metrics.map(([metric, stat]) => ["AWS/ApiGateway", metric, "ApiId", "${HttpApi}", { stat, label: `${metric} ${stat}` }]));
}

function ofForum(title, { metrics, of }) {
  return graph(title, metrics.flatMap((metric) => of.map((name) => [
    "Forum", metric, "function", name, { label: of.length > 1 ? name : metric },
  ])));
}

const widgets = [
  ofApi("Requests", [["Count", "Sum"], ["4xx", "Sum"], ["5xx", "Sum"]]),
  ofApi("Milliseconds until the answer", [["Latency", "p50"], ["Latency", "p95"], ["Latency", "p99"], ["IntegrationLatency", "p95"]]),
  ofFunctions("Invocations", "Invocations"),
  ofFunctions("Errors", "Errors"),
  ofFunctions("Milliseconds of the slowest twentieth", "Duration", { stat: "p95" }),
  ofFunctions("Throttles", "Throttles"),
  ofQueues("Messages that wait", "ApproximateNumberOfMessagesVisible", QUEUES),
  ofQueues("Seconds that the oldest message has waited", "ApproximateAgeOfOldestMessage", QUEUES),
  ...Object.entries(COUNTED).map(([title, counted]) => ofForum(title, counted)),
].map((widget, number) => ({
  ...widget,
  x: (number % COLUMNS) * WIDTH,
  y: Math.floor(number / COLUMNS) * HEIGHT,
  width: WIDTH,
  height: HEIGHT,
}));

module.exports = {
  Resources: {
    Dashboard: {
      Type: "AWS::CloudWatch::Dashboard",
      Properties: {
        DashboardName: "${self:service}-${self:provider.stage}",
        // The names of functions and queues are CloudFormation's to fill in.
        DashboardBody: { "Fn::Sub": JSON.stringify({ widgets }) },
      },
    },
  },
};
