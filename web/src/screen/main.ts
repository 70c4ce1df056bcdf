import { createApp } from 'vue'
import '@/shared/style/base.css'
import './screen.css'
import BigScreen from './BigScreen.vue'

createApp(BigScreen).mount('#app')
