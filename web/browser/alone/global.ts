import type { TestProject } from 'vitest/node'
import { launch } from '../chromium'

/** A browser for tests that have servers of their own, and run beside those that share one. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const browser = await launch(project)
  return () => browser.close()
}
