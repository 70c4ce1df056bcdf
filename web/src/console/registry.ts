import type { Component } from 'vue'
import type { Action } from './rights'
import { t } from './locale/shell'

export type Group = 'run' | 'people' | 'results' | 'prizes' | 'questions' | 'messages' | 'office'

/** The groups of the menu, in their order. */
export const groups: Group[] = ['run', 'people', 'results', 'prizes', 'questions', 'messages', 'office']

export interface Entry {
  /** The name of the route. */
  name: string
  /** What stands in the menu and in the title of the page. */
  title: string
  /** The path within the console: behind /c/{campaign}/ for those of a campaign, else behind /. */
  path: string
  of: 'campaign' | 'office'
  /** Where it stands in the menu; a page that others lead to has none. */
  group?: Group
  /** The rights of which one is enough; none is for everybody who is signed in. */
  needs?: Action[]
  /** Has something to show only where a campaign has prizes. */
  prizes?: true
  /** Fills the window and may stand unattended, as on the evening. */
  watch?: boolean
  load: () => Promise<Component>
}

/**
 * Every view of the console: one line each, and a file of its own that is loaded when it
 * is opened. Paths have at most four parts behind /console.
 */
export const entries: Entry[] = [
  { name: 'campaigns', title: '活动', path: 'campaigns', of: 'office', group: 'run', needs: ['campaigns.read'], load: () => import('./views/Campaigns.vue') },
  { name: 'campaign', title: '概况与状态', path: 'overview', of: 'campaign', group: 'run', needs: ['campaigns.read'], load: () => import('./views/Campaign.vue') },
  { name: 'campaign-settings', title: '设置', path: 'settings', of: 'campaign', group: 'run', needs: ['campaigns.read'], load: () => import('./views/CampaignSettings.vue') },
  { name: 'campaign-preview', title: '预览', path: 'preview', of: 'campaign', group: 'run', needs: ['campaigns.edit'], load: () => import('./views/CampaignPreview.vue') },
  { name: 'evening', title: '当晚处置', path: 'evening', of: 'campaign', group: 'run', needs: ['campaigns.edit', 'results.correct'], load: () => import('./views/Evening.vue') },
  { name: 'duty', title: '值班', path: 'duty', of: 'office', group: 'run', needs: ['duty.read'], watch: true, load: () => import('./views/Duty.vue') },
  { name: 'screens', title: '大屏', path: 'screens', of: 'campaign', group: 'run', needs: ['figures.read'], watch: true, load: () => import('./views/Screens.vue') },
  { name: 'tree', title: '组织架构', path: 'tree', of: 'campaign', group: 'people', needs: ['campaigns.read'], load: () => import('./views/Tree.vue') },
  { name: 'rosters', title: '名册', path: 'rosters', of: 'campaign', group: 'people', needs: ['rosters.read', 'rosters.edit'], load: () => import('./views/Rosters.vue') },
  { name: 'operators', title: '账号与权限', path: 'operators', of: 'office', group: 'office', needs: ['operators.manage'], load: () => import('./views/Operators.vue') },
  { name: 'operator', title: '账号', path: 'operators/:operator', of: 'office', needs: ['operators.manage'], load: () => import('./views/Operator.vue') },
  { name: 'approvals', title: '审批', path: 'approvals', of: 'office', group: 'office', load: () => import('./views/Approvals.vue') },
  { name: 'audit', title: '审计日志', path: 'audit', of: 'office', group: 'office', needs: ['audit.read'], load: () => import('./views/Audit.vue') },
  { name: 'account', title: t('account'), path: 'account', of: 'office', load: () => import('./views/Account.vue') },
  { name: 'progress', title: '参与进度', path: 'progress', of: 'campaign', group: 'people', needs: ['figures.read'], load: () => import('./views/Progress.vue') },
  { name: 'corrections', title: '作废与更正', path: 'corrections', of: 'campaign', group: 'results', needs: ['results.correct', 'results.approve'], load: () => import('./views/Corrections.vue') },
  { name: 'correction', title: '更正批次', path: 'corrections/:correction', of: 'campaign', needs: ['results.correct', 'results.approve'], load: () => import('./views/Correction.vue') },
  { name: 'transfers', title: '转单位申请', path: 'transfers', of: 'campaign', group: 'messages', needs: ['participants.move'], load: () => import('./views/Transfers.vue') },
  { name: 'feedback', title: '投诉建议', path: 'feedback', of: 'campaign', group: 'messages', needs: ['feedback.handle'], load: () => import('./views/Feedback.vue') },
  { name: 'appeals', title: '申诉', path: 'appeals', of: 'campaign', group: 'messages', needs: ['results.correct'], load: () => import('./views/Appeals.vue') },
  { name: 'banks', title: '题库', path: 'banks', of: 'office', group: 'questions', needs: ['banks.read'], load: () => import('./views/Banks.vue') },
  { name: 'bank', title: '题库', path: 'banks/:bank', of: 'office', needs: ['banks.read'], load: () => import('./views/Bank.vue') },
  { name: 'boards', title: '个人榜与隐藏', path: 'boards', of: 'campaign', group: 'results', needs: ['figures.read'], load: () => import('./views/Boards.vue') },
  { name: 'exports', title: '导出与报告', path: 'exports', of: 'campaign', group: 'results', needs: ['figures.read'], load: () => import('./views/Exports.vue') },
  { name: 'announcements', title: '发布的数据', path: 'announcements', of: 'campaign', group: 'results', needs: ['figures.read', 'figures.announce'], load: () => import('./views/Announcements.vue') },
  { name: 'announcement', title: '一次发布的数据', path: 'announcements/:announcement', of: 'campaign', needs: ['figures.read', 'figures.announce'], load: () => import('./views/Announcement.vue') },
  { name: 'items', title: '题目统计', path: 'items', of: 'campaign', group: 'questions', needs: ['figures.read'], load: () => import('./views/Items.vue') },
  { name: 'flags', title: '核查提示', path: 'flags', of: 'campaign', group: 'results', needs: ['results.correct'], load: () => import('./views/Flags.vue') },
  { name: 'challenges', title: '题目争议', path: 'challenges', of: 'campaign', group: 'questions', needs: ['results.correct'], load: () => import('./views/Challenges.vue') },
  { name: 'challenge', title: '一项题目争议', path: 'challenges/:challenge', of: 'campaign', needs: ['results.correct'], load: () => import('./views/Challenge.vue') },
  { name: 'prizes', title: '奖品与库存', path: 'prizes', of: 'campaign', group: 'prizes', prizes: true, needs: ['figures.read', 'campaigns.edit'], load: () => import('./views/Prizes.vue') },
  { name: 'wins', title: '中奖与发放', path: 'wins', of: 'campaign', group: 'prizes', prizes: true, needs: ['figures.read'], load: () => import('./views/Wins.vue') },
  { name: 'prize-review', title: '发放前核实', path: 'prize-review', of: 'campaign', group: 'prizes', prizes: true, needs: ['results.correct'], load: () => import('./views/PrizeReview.vue') },
  { name: 'draws', title: '定期抽奖', path: 'draws', of: 'campaign', group: 'prizes', prizes: true, needs: ['figures.read', 'results.correct'], load: () => import('./views/Draws.vue') },
  { name: 'winners', title: '中奖公示', path: 'winners', of: 'campaign', group: 'prizes', prizes: true, needs: ['figures.read'], load: () => import('./views/Winners.vue') },
  { name: 'retention', title: '个人信息的保存', path: 'retention', of: 'campaign', group: 'people', needs: ['personal.erase'], load: () => import('./views/Retention.vue') },
]
