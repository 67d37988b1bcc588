"use strict";
// What wakes somebody up. docs/operations.md tells what each alarm means and what to do.

const { attribute, functions, logicalId, verifying } = require("./names.js");

const MINUTE = 60;
const DEAD_LETTER_QUEUES = ["SyncDeadLetters", "ScheduleDeadLetters"];
// Half an hour: two ticks of the schedule have passed and the worker has not taken the message.
const OLDEST_MESSAGE_SECONDS = 1800;
const NEAR_THE_END = 0.8;
const HOUR = 60 * MINUTE;
// Two ticks of the schedule, its flexible window and its retries.
const HOURS_OF_SILENCE = 3;
// What an hour leaves the next one does; half a day on end is more than there is time for.
const HOURS_BEHIND = 12;
// More than a person reveals by hand, or a few exports of a product. Whoever has got hold of a session takes all.
const UNUSUAL_REVEALS = 100;

/** Silence is health where no event means no data, as with errors and dead letters. */
function alarm(description, properties) {
  const { ALARM_TOPIC_ARN: topic } = process.env;
  return {
    Type: "AWS::CloudWatch::Alarm",
    Properties: {
      AlarmDescription: description,
      ComparisonOperator: "GreaterThanOrEqualToThreshold",
      EvaluationPeriods: 1,
      Period: 5 * MINUTE,
      Statistic: "Sum",
      Threshold: 1,
      TreatMissingData: "notBreaching",
      ...(topic && { AlarmActions: [topic], OKActions: [topic] }),
      ...properties,
    },
  };
}

const dimension = (Name, Value) => [{ Name, Value }];

function queueAlarms() {
  const dead = DEAD_LETTER_QUEUES.map((queue) => [
    `${queue}Alarm`,
    alarm("Messages that nobody could handle wait in the dead-letter queue.", {
      Namespace: "AWS/SQS",
      MetricName: "ApproximateNumberOfMessagesVisible",
      Dimensions: dimension("QueueName", attribute(queue, "QueueName")),
      Statistic: "Maximum",
    }),
  ]);
  const old = alarm("The worker does not keep up, or does not run.", {
    Namespace: "AWS/SQS",
    MetricName: "ApproximateAgeOfOldestMessage",
    Dimensions: dimension("QueueName", attribute("SyncQueue", "QueueName")),
    Statistic: "Maximum",
    Threshold: OLDEST_MESSAGE_SECONDS,
  });
  return [...dead, ["SyncQueueAgeAlarm", old]];
}

function functionAlarms(name, seconds) {
  const Dimensions = dimension("FunctionName", { Ref: `${logicalId(name)}LambdaFunction` });
  const about = { Namespace: "AWS/Lambda", Dimensions };
  return [
    [`${logicalId(name)}ErrorsAlarm`, alarm(`${name} raised or ran out of time.`, { ...about, MetricName: "Errors" })],
    [`${logicalId(name)}ThrottlesAlarm`, alarm(`${name} was refused a place to run.`, { ...about, MetricName: "Throttles" })],
    [
      `${logicalId(name)}DurationAlarm`,
      alarm(`${name} comes near its time-out.`, {
        ...about,
        MetricName: "Duration",
        Statistic: "Maximum",
        EvaluationPeriods: 3,
        Threshold: seconds * 1000 * NEAR_THE_END,
      }),
    ],
  ];
}

/** Of the log's lines: shared/runtime/metrics.py counts by function, and an alarm on a metric names each dimension. */
const LOGGED = {
  // A run that failed is GitHub's or a token's trouble now and then; five in a quarter of an hour are not.
  sync_failed: { of: ["sync_worker"], threshold: 5, period: 15 * MINUTE, text: "Re-syncs fail." },
  // The first is news: no secret becomes unreadable by itself.
  secret_unreadable: {
    of: ["app_info"],
    threshold: 1,
    period: 5 * MINUTE,
    text: "A stored secret does not open: its key is missing, or somebody else has written it.",
  },
  github_sunset: {
    of: ["github_connection", "github_import", "sync_worker"],
    threshold: 1,
    period: 5 * MINUTE,
    text: "GitHub announces the end of the version of its API that Forum uses.",
  },
  jwks_unavailable: {
    of: verifying,
    threshold: 3,
    period: 5 * MINUTE,
    text: "Supabase's signing keys cannot be fetched: new tokens may be refused.",
  },
};

function loggedAlarms(stage) {
  return Object.entries(LOGGED).flatMap(([message, { of, threshold, period, text }]) => {
    const id = message.split("_").map((word) => word[0].toUpperCase() + word.slice(1)).join("");
    const metric = `${message}_${stage}`;
    const filters = of.map((name) => [
      `${logicalId(name)}${id}Filter`,
      {
        Type: "AWS::Logs::MetricFilter",
        Properties: {
          LogGroupName: { Ref: `${logicalId(name)}LogGroup` },
          FilterPattern: `{ $.message = "${message}" }`,
          MetricTransformations: [{ MetricNamespace: "Forum", MetricName: metric, MetricValue: "1" }],
        },
      },
    ]);
    const watched = alarm(text, { Namespace: "Forum", MetricName: metric, Threshold: threshold, Period: period });
    return [...filters, [`${id}Alarm`, watched]];
  });
}

function gatewayAlarm() {
  return alarm("The API answers with 500 and above.", {
    Namespace: "AWS/ApiGateway",
    MetricName: "5xx",
    Dimensions: dimension("ApiId", { Ref: "HttpApi" }),
    Threshold: 5,
  });
}

function revealsAlarm() {
  return alarm("Unusually many secrets are shown: look in the history for whose they are and where they went.", {
    Namespace: "Forum",
    MetricName: "Reveals",
    Dimensions: dimension("function", "app_info"),
    Threshold: UNUSUAL_REVEALS,
  });
}

function maintenanceAlarms() {
  const silent = alarm("The maintenance does not run: what has had its time stays.", {
    Namespace: "AWS/Lambda",
    MetricName: "Invocations",
    Dimensions: dimension("FunctionName", { Ref: `${logicalId("maintenance")}LambdaFunction` }),
    ComparisonOperator: "LessThanThreshold",
    EvaluationPeriods: HOURS_OF_SILENCE,
    Period: HOUR,
    // The one alarm to which no data is the trouble.
    TreatMissingData: "breaching",
  });
  const behind = alarm("The maintenance has more to do than it has time for.", {
    Namespace: "Forum",
    MetricName: "MaintenanceStepsLeft",
    Dimensions: dimension("function", "maintenance"),
    EvaluationPeriods: HOURS_BEHIND,
    Period: HOUR,
  });
  return [["MaintenanceSilentAlarm", silent], ["MaintenanceBehindAlarm", behind]];
}

module.exports = async ({ resolveVariable }) => {
  const [stage, configured, seconds] = await Promise.all([
    resolveVariable("self:provider.stage"),
    resolveVariable("self:functions"),
    resolveVariable("self:provider.timeout"),
  ]);
  const ofFunctions = functions.flatMap((name) => functionAlarms(name, configured[name].timeout ?? seconds));
  return {
    Resources: Object.fromEntries([
      ...queueAlarms(),
      ...ofFunctions,
      ...loggedAlarms(stage),
      ["ApiErrorsAlarm", gatewayAlarm()],
      ["RevealsAlarm", revealsAlarm()],
      ...maintenanceAlarms(),
    ]),
  };
};
