import { createRouter, createWebHistory, type Router } from 'vue-router'
import { prizeViews } from './prizes/load'
import Appeal from './views/Appeal.vue'
import Board from './views/Board.vue'
import Certificate from './views/Certificate.vue'
import Choose from './views/Choose.vue'
import Feedback from './views/Feedback.vue'
import Home from './views/Home.vue'
import Join from './views/Join.vue'
import Mine from './views/Mine.vue'
import Pledge from './views/Pledge.vue'
import Quiz from './views/Quiz.vue'
import Receipt from './views/Receipt.vue'
import Transfer from './views/Transfer.vue'
import { useVisit } from './stores/visit'

/**
 * The ways within the page. All views come at once: a phone that lost its network in the
 * middle of a visit can still go on. Those of prizes follow a campaign's home, where it
 * has any.
 */
export function makeRouter(): Router {
  const router = createRouter({
    history: createWebHistory(),
    routes: [
      { path: '/', name: 'choose', component: Choose },
      { path: '/c/:campaign', name: 'home', component: Home },
      { path: '/c/:campaign/join', name: 'join', component: Join },
      { path: '/c/:campaign/pledge', name: 'pledge', component: Pledge, meta: { enrolled: true } },
      { path: '/c/:campaign/quiz', name: 'quiz', component: Quiz, meta: { enrolled: true } },
      { path: '/c/:campaign/receipt/:attempt', name: 'receipt', component: Receipt, meta: { enrolled: true } },
      { path: '/c/:campaign/board', name: 'board', component: Board, meta: { enrolled: true } },
      { path: '/c/:campaign/certificate', name: 'certificate', component: Certificate, meta: { enrolled: true } },
      { path: '/c/:campaign/transfer', name: 'transfer', component: Transfer, meta: { enrolled: true } },
      { path: '/c/:campaign/appeal', name: 'appeal', component: Appeal, meta: { enrolled: true } },
      { path: '/c/:campaign/prizes', name: 'prizes', component: () => prizeViews().then((m) => m.Prizes), meta: { prizes: true } },
      { path: '/c/:campaign/winners', name: 'winners', component: () => prizeViews().then((m) => m.Winners), meta: { prizes: true } },
      { path: '/c/:campaign/claim/:win', name: 'claim', component: () => prizeViews().then((m) => m.Claim), meta: { enrolled: true, prizes: true } },
      { path: '/c/:campaign/feedback', name: 'feedback', component: Feedback, meta: { signed: true } },
      { path: '/c/:campaign/mine', name: 'mine', component: Mine },
      { path: '/:rest(.*)*', redirect: { name: 'choose' } },
    ],
    scrollBehavior: () => ({ left: 0, top: 0 }),
  })
  router.beforeEach(async (to) => {
    const visit = useVisit()
    if (visit.campaign === null) return to.name === 'choose' ? true : { name: 'choose' }
    if (to.params.campaign !== visit.id) return true // another campaign is another page, see Choose
    if (to.meta.prizes === true && !visit.campaign.prizes) return { name: 'home', params: to.params }
    if (visit.signedIn && visit.home === null) await visit.load().catch(() => undefined)
    // Where the server could not be asked, the view itself says so and tries again.
    const stranger = to.meta.enrolled === true && visit.home !== null && visit.home.enrolment === null
    if (((to.meta.enrolled ?? to.meta.signed) === true && !visit.signedIn) || stranger) {
      return { name: 'join', params: to.params, query: { next: String(to.name) } }
    }
    return true
  })
  return router
}
