import { createPinia } from 'pinia'
import { createApp } from 'vue'
import 'element-plus/theme-chalk/base.css'
import '@/shared/style/base.css'
import './console.css'
import './results.css'
import Console from './Console.vue'
import { makeRouter } from './router'

const app = createApp(Console)
app.use(createPinia())
app.use(makeRouter())
app.mount('#app')
