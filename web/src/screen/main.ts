import { createApp } from 'vue'
import '@/shared/style/base.css'
import './screen.css'
import Screen from './Screen.vue'

createApp(Screen).mount('#app')
