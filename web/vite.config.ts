import { fileURLToPath } from 'node:url'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { pack } from './plugins/pack.ts'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** Leaves for last what waits for the clock: a draw freezes a minute after its server has begun. */
class PrizesLast extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const waits = (f: TestSpecification) => Number(f.moduleId.endsWith('/browser/prizes.test.ts'))
    return (await super.sort(files)).sort((a, b) => waits(a) - waits(b))
  }
}

const inBrowser = {
  environment: 'node',
  // Long, for machines that have much else to do: nothing waits for them when all is well.
  testTimeout: 300_000,
  hookTimeout: 120_000,
  expect: { poll: { timeout: 60_000 } },
  fileParallelism: false,
} as const

export default defineConfig({
  plugins: [vue(), pack()],
  resolve: { alias: { '@': here('./src') } },
  build: {
    // The browser within WeChat: Chrome 86 on Android, Safari of iOS 13.
    target: ['chrome86', 'safari13'],
    cssTarget: ['chrome86', 'safari13'],
    // Nothing within a page or a style: the policy allows files of this server alone.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    manifest: true,
    emptyOutDir: true,
    // The screen's charts: a machine that stands in an office loads them once a day.
    chunkSizeWarningLimit: 700,
    rollupOptions: {
      input: { index: here('./index.html'), screen: here('./screen.html'), draws: here('./draws.html'), console: here('./console.html') },
    },
  },
  // Its .gitkeep comes along, so that an emptied dist can still be embedded.
  publicDir: 'public',
  test: {
    sequence: { sequencer: PrizesLast },
    projects: [
      // By hand only: make film, make soak.
      { extends: true, test: { name: 'film', globalSetup: ['browser/global.ts'], include: ['film/*.film.ts'], environment: 'node', testTimeout: 0, hookTimeout: 120_000, fileParallelism: false } },
      { extends: true, test: { name: 'unit', include: ['test/**/*.test.ts'], environment: 'node' } },
      { extends: true, test: { ...inBrowser, isolate: false, name: 'browser', globalSetup: ['browser/global.ts'], include: ['browser/*.test.ts'] } },
      // With servers of their own, so that they can run beside the others, and beside each other:
      // where one waits for the clock, another works.
      { extends: true, test: { ...inBrowser, fileParallelism: true, maxWorkers: 2, name: 'alone', globalSetup: ['browser/alone/global.ts'], include: ['browser/alone/*.test.ts'] } },
    ],
  },
})
