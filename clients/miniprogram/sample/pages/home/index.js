// 首页示例：公开的计数一直在更新，点“进入活动”才登录。
// getApp().client 由 app.js 建立：
//
//   const { Client } = require('qingyuan-miniprogram');
//   App({
//     onLaunch() { this.client = new Client({ base: 'https://jindu.example.gov.cn', wx }); },
//     onShow() { this.client && this.client.onShow(); },
//     onHide() { this.client && this.client.onHide(); },
//   });
Component({
  properties: { campaign: { type: String, value: '' } },
  data: { title: '', counts: null, mine: '', problem: '', ahead: 0, busy: false },
  lifetimes: {
    attached() {
      this.client = getApp().client;
      const path = { campaign: this.data.campaign };
      this.client
        .get('/api/v1/campaigns/{campaign}', { path, public: true })
        .then((campaign) => this.setData({ title: campaign.title }))
        .catch((problem) => this.setData({ problem: problem.message }));
      this.stop = this.client.poll('/api/v1/campaigns/{campaign}/counts', { path }, {
        // 只传要显示的：setData 的数据越少越好。
        onData: ({ participants, signatures }) => this.setData({ counts: { participants, signatures } }),
      });
    },
    detached() {
      this.stop();
    },
  },
  methods: {
    enter() {
      if (this.data.busy) return; // 连点两下只算一次
      this.setData({ busy: true, problem: '' });
      this.client
        .get('/api/v1/campaigns/{campaign}/me', { path: { campaign: this.data.campaign } })
        .then((me) => this.setData({ mine: describe(me) }))
        .catch((problem) => this.setData({ problem: problem.message }))
        .then(() => this.setData({ busy: false, ahead: 0 }));
    },
  },
});

function describe(me) {
  if (!me.enrolment) return '您还没有报名';
  if (!me.signature) return '已报名，还没有签署承诺书';
  return me.best ? `已签署承诺书，最好成绩 ${me.best.score} 分` : '已签署承诺书，还没有答题';
}
