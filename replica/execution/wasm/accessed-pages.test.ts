import fc from 'fast-check'
import { expect, test } from 'vitest'
import { AccessedPages } from './accessed-pages.ts'

test('counts each page of any accesses once', () => {
  const near = fc.nat(5 * 4096)
  const far = fc.nat(2 ** 31).map((at) => at * 200)
  const access = fc.tuple(fc.oneof(near, far), fc.integer({ min: 1, max: 3 * 4096 }))
  fc.assert(
    fc.property(fc.array(access), (accesses) => {
      const pages = new AccessedPages()
      const model = new Set<number>()
      for (const [offset, size] of accesses) {
        pages.add(offset, size)
        for (let page = Math.floor(offset / 4096); page * 4096 < offset + size; page++) model.add(page)
        expect(pages.count).toBe(model.size)
      }
    }),
  )
})
