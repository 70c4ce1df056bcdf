import { createPinia } from 'pinia'
import { createApp } from 'vue'
import '@/shared/style/base.css'
import './participant.css'
import App from './App.vue'
import { makeRouter } from './router'
import { applySettings } from './settings'
import { useVisit } from './stores/visit'

const app = createApp(App)
app.use(createPinia())
useVisit().begin()
applySettings()
app.use(makeRouter())
app.mount('#app')
