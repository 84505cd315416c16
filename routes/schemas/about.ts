import { Type } from '@sinclair/typebox'

const about = {
  service: Type.Literal('aegis-ml', { description: 'Always aegis-ml.' }),
  version: Type.String({ description: 'The version of the service.', examples: ['0.1.0'] }),
}

export const Version = Type.Object(about, {
  $id: 'Version',
  description: 'What runs here.',
  examples: [{ service: 'aegis-ml', version: '0.1.0' }],
})

export const About = Type.Object(
  {
    ...about,
    health: Type.String({ description: 'Path of the state of the service.' }),
    docs: Type.String({ description: 'Path of the documentation of all routes.' }),
  },
  {
    $id: 'About',
    description: 'What runs here, and where to go next.',
    examples: [{ service: 'aegis-ml', version: '0.1.0', health: '/health', docs: '/docs' }],
  },
)
