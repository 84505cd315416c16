import { Type } from '@sinclair/typebox'
import { CHANNEL, NOTIFICATION, TEST_ANSWER } from './examples/notifications.js'
import { count, nullable, oneOf, Timestamp, timestamp } from './types.js'

const State = (description: string) =>
  oneOf(['pending', 'active', 'delivered', 'failed', 'dropped', 'silenced'], { description })

const Channel = Type.String({
  description: 'The receiver: its kind, host, and a mark of its address. It has no secret.',
})

export const NotificationsQuery = Type.Object({
  state: Type.Optional(State('Only notifications in this state.')),
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 500,
      description: 'Maximum number of notifications, 1 to 500. Default: 50.',
    }),
  ),
})

export const Notifications = Type.Object(
  {
    channels: Type.Array(
      Type.Object({
        channel: Channel,
        configured: Type.Boolean({ description: 'Whether it is still a receiver.' }),
        pending: count('Notifications that wait.'),
        active: count('Alerts that are repeated until their incident ends.'),
        delivered: count('Notifications that arrived.'),
        failed: count('Notifications that were given up.'),
        dropped: count('Notifications that were dropped, since more than 1,000 waited.'),
        silenced: count('Notifications that nobody got, because of a silence.'),
      }),
      { description: 'The receivers, with what is kept of them.' },
    ),
    notifications: Type.Array(
      Type.Object({
        id: Type.String({ description: 'Id of the row.' }),
        message_id: Type.String({
          description: 'Id of the notification: the same at each attempt and for all receivers.',
        }),
        channel: Channel,
        incident_id: Type.String({ description: 'Id of the incident.' }),
        event: oneOf(['started', 'changed', 'ended'], { description: 'What happened to it.' }),
        state: State(
          'pending: it waits. active: it arrived, and is repeated until the next one. delivered: it arrived. failed: it was given up. dropped: too many waited. silenced: a silence held.',
        ),
        attempts: count('How often it was tried, without repetitions.'),
        created_at: timestamp('When it was queued.'),
        next_attempt_at: nullable(Timestamp, { description: 'When it is sent next. Null for never.' }),
        delivered_at: nullable(Timestamp, { description: 'When it arrived. Null before.' }),
        problem: nullable(Type.String(), { description: 'Why the last attempt failed. Null without.' }),
      }),
      { description: 'The last notifications, the newest first: one for each receiver.' },
    ),
  },
  {
    $id: 'Notifications',
    description: 'Who was told of incidents.',
    examples: [{ channels: [CHANNEL], notifications: [NOTIFICATION] }],
  },
)

export const NotificationTest = Type.Object(
  {
    channels: Type.Array(
      Type.Object({
        channel: Channel,
        delivered: Type.Boolean({ description: 'Whether the test arrived.' }),
        status: nullable(Type.Integer(), { description: 'The HTTP status. Null without an answer.' }),
        problem: nullable(Type.String(), { description: 'Why it did not arrive. Null when it did.' }),
      }),
      { description: 'The receivers. Empty when none is configured.' },
    ),
  },
  {
    $id: 'NotificationTest',
    description: 'What each receiver said to a test.',
    examples: [{ channels: [TEST_ANSWER] }],
  },
)

export const notificationSchemas = [Notifications, NotificationTest]
