import './older'
import { createApp } from 'vue'
import '@/shared/style/base.css'
import '@/participant/participant.css'
import './draws.css'
import DrawCheck from './DrawCheck.vue'

createApp(DrawCheck).mount('#app')
