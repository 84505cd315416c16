import t from 'tap'
import {
  judgeStory,
  NO_FAULT,
  PHASES,
  quietRate,
  USUAL_RPS,
  type Phase,
} from '../../../scripts/demo/story.js'

const phase = (expected: string | null): Phase => ({
  title: 'A phase',
  minutes: 5,
  load: 1,
  fault: NO_FAULT,
  expected,
})
const STORY = [phase(null), phase('traffic_spike'), phase(null)]

/** A phase's minutes in shorthand: '.' normal, 's' traffic_spike, 'l' latency_spike, a capital: confirmed. */
const minutesOf = (phases: readonly string[]) =>
  phases.flatMap((marks, index) =>
    [...marks].map((mark, offset) => ({
      phase: index,
      offset,
      anomaly: mark !== '.',
      type: { '.': null, s: 'traffic_spike', l: 'latency_spike' }[mark.toLowerCase()] ?? null,
      confirmed: mark !== '.' && mark === mark.toUpperCase(),
    })),
  )

const CASES: { title: string; minutes: string[]; passed: boolean[]; text?: RegExp }[] = [
  {
    title: 'a fault found and confirmed, quiet otherwise',
    minutes: ['.....', 'ssSSS', '.....'],
    passed: [true, true, true],
  },
  {
    title: 'a first minute that is mixed',
    minutes: ['.....', '.lsSS', '.....'],
    passed: [true, true, true],
    text: /minute 3, confirmed in minute 4/,
  },
  {
    title: 'the tail of the fault in the next quiet minute',
    minutes: ['.....', 'ssSSS', 'S....'],
    passed: [true, true, true],
  },
  { title: 'a flicker in quiet traffic', minutes: ['.ll..', 'ssSSS', '...l.'], passed: [true, true, true] },
  {
    title: 'a confirmed anomaly before the fault',
    minutes: ['llL..', 'ssSSS', '.....'],
    passed: [false, true, true],
  },
  {
    title: 'the first quiet minute of all is judged',
    minutes: ['L....', 'ssSSS', '.....'],
    passed: [false, true, true],
  },
  {
    title: 'a confirmed anomaly two minutes after the fault',
    minutes: ['.....', 'ssSSS', 'SS...'],
    passed: [true, true, false],
  },
  {
    title: 'a fault not seen',
    minutes: ['.....', '.....', '.....'],
    passed: [true, false, true],
    text: /was not found; .*no anomaly/,
  },
  {
    title: 'a fault seen but never confirmed',
    minutes: ['.....', 's.ss.', '.....'],
    passed: [true, false, true],
    text: /never confirmed/,
  },
  {
    title: 'a fault of another type',
    minutes: ['.....', 'llLLL', '.....'],
    passed: [true, false, true],
    text: /5 anomalous minutes: latency_spike/,
  },
  {
    title: 'the right type for the lesser part',
    minutes: ['.....', 'lllSL', '.....'],
    passed: [true, false, true],
  },
  { title: 'no minutes at all', minutes: ['', '', ''], passed: [false, false, false] },
]

for (const { title, minutes, passed, text } of CASES) {
  t.test(title, async (t) => {
    const outcomes = judgeStory(STORY, minutesOf(minutes))
    t.same(
      outcomes.map((outcome) => outcome.passed),
      passed,
    )
    if (text) t.match(outcomes[1]!.text, text)
  })
}

t.test('the story has the four faults, each between quiet phases', async (t) => {
  t.same(
    PHASES.map(({ expected }) => expected),
    [null, 'traffic_spike', null, 'traffic_drop', null, 'latency_spike', null, 'error_rate_spike', null],
  )
})

t.test('quiet traffic breathes by less than a fifth', async (t) => {
  const rates = Array.from({ length: 600 }, (_, i) => quietRate(i * 100) / USUAL_RPS)
  t.ok(Math.min(...rates) > 0.8 && Math.max(...rates) < 1.2)
  t.ok(Math.max(...rates) - Math.min(...rates) > 0.2)
})
