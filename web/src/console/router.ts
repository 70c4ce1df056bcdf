import { createRouter, createWebHistory, type RouteRecordRaw, type Router } from 'vue-router'
import { type Entry, entries } from './registry'
import { t } from './locale/shell'
import { useCampaigns } from './stores/campaigns'

declare module 'vue-router' {
  interface RouteMeta {
    entry?: Entry
  }
}

function routeOf(entry: Entry): RouteRecordRaw {
  const path = entry.of === 'campaign' ? `/c/:campaign/${entry.path}` : `/${entry.path}`
  return { name: entry.name, path, component: entry.load, meta: { entry } }
}

/** The ways within the console: one for each line of the registry. */
export function makeRouter(): Router {
  const router = createRouter({
    history: createWebHistory('/console'),
    routes: [
      { path: '/', redirect: { name: 'campaigns' } },
      ...entries.map(routeOf),
      { path: '/:rest(.*)*', name: 'not-here', component: () => import('./views/NotHere.vue') },
    ],
    scrollBehavior: (_to, _from, saved) => saved ?? { left: 0, top: 0 },
  })
  router.beforeEach((to) => {
    const { campaign } = to.params
    if (typeof campaign === 'string') useCampaigns().choose(campaign)
  })
  router.afterEach((to) => {
    const title = to.meta.entry?.title
    document.title = title === undefined ? t('title') : `${title} - ${t('title')}`
  })
  return router
}
