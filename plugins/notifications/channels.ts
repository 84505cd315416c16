import type { NotificationConfig } from '../config/notifications.js'
import { createAlertmanager } from './alertmanager.js'
import type { Channel } from './channel.js'
import { createWebhook } from './webhook.js'

/** Everybody who is told, as it is configured. */
export function createChannels(config: NotificationConfig): Channel[] {
  const { alertmanagers, alertmanagerTokenFile, webhooks, webhookKeys, publicUrl } = config
  return [
    ...alertmanagers.map((receiver) => createAlertmanager(receiver, alertmanagerTokenFile, publicUrl)),
    ...webhooks.map((receiver) => createWebhook(receiver, webhookKeys, publicUrl)),
  ]
}
