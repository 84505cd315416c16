import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse, parseAllDocuments } from 'yaml'

export const FOLDER = 'deploy/kubernetes'

interface Kustomization {
  namespace: string
  resources: string[]
  configMapGenerator: { name: string; files: string[] }[]
  images: { name: string; newTag: string }[]
}

interface Probe {
  httpGet: { path: string; port: string; scheme?: string }
}

export interface Container {
  name: string
  image: string
  env: { name: string; value?: string }[]
  ports: { name: string; containerPort: number }[]
  startupProbe?: Probe
  livenessProbe: Probe
  readinessProbe: Probe
  resources: { requests: object; limits: object }
  securityContext: { readOnlyRootFilesystem: boolean; allowPrivilegeEscalation: boolean }
  volumeMounts: { name: string; mountPath: string }[]
}

export interface Volume {
  name: string
  secret?: { secretName: string; defaultMode: number; items?: { key: string; path: string }[] }
  configMap?: { name: string }
}

export type Labels = Record<string, string>

interface Selector {
  matchLabels?: Labels
  matchExpressions?: { key: string; operator: string; values: string[] }[]
}

export interface Peer {
  namespaceSelector?: Selector
  podSelector?: Selector
  ipBlock?: { cidr: string; except?: string[] }
}

export interface Rule {
  from?: Peer[]
  to?: Peer[]
  ports: { protocol: string; port: number | string }[]
}

export interface Manifest {
  kind: string
  metadata: { name: string; labels?: Labels; namespace?: string }
  data?: Record<string, string>
  spec: {
    replicas?: number
    selector: Labels & { matchLabels?: Labels }
    podSelector?: Selector
    policyTypes?: string[]
    ingress?: Rule[]
    egress?: Rule[]
    dnsNames?: string[]
    secretName?: string
    ports?: { port: number; targetPort: string }[]
    template: {
      metadata: { labels: Labels }
      spec: { containers: Container[]; volumes: Volume[]; securityContext: object }
    }
    volumeClaimTemplates?: { metadata: { name: string } }[]
  }
}

export async function readManifests(file: string): Promise<Manifest[]> {
  return parseAllDocuments(await readFile(join(FOLDER, file), 'utf8')).map((document) => {
    if (document.errors.length > 0) throw document.errors[0]!
    return document.toJS() as Manifest
  })
}

export async function readKustomization(): Promise<Kustomization> {
  return parse(await readFile(join(FOLDER, 'kustomization.yaml'), 'utf8')) as Kustomization
}

/** What `kustomize build` makes of the folder, but for the hash in the names of ConfigMaps. */
export async function renderManifests(): Promise<Manifest[]> {
  const { namespace, resources, configMapGenerator, images } = await readKustomization()
  const read = (await Promise.all(resources.map(readManifests))).flat()
  const maps = await Promise.all(
    configMapGenerator.map(async ({ name, files }) => {
      const entries = files.map(async (file) => [file, await readFile(join(FOLDER, file), 'utf8')] as const)
      return { kind: 'ConfigMap', metadata: { name }, data: Object.fromEntries(await Promise.all(entries)) }
    }),
  )
  const all = [...read, ...(maps as unknown as Manifest[])]
  for (const { kind, metadata, spec } of all) {
    if (kind !== 'Namespace') metadata.namespace = namespace
    for (const container of spec?.template?.spec.containers ?? []) {
      const tag = images.find(({ name }) => name === container.image)?.newTag
      if (tag !== undefined) container.image = `${container.image}:${tag}`
    }
  }
  return all
}
