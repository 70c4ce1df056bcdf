import { createApp } from 'vue'
import '@/shared/style/base.css'
import './console.css'
import Console from './Console.vue'

createApp(Console).mount('#app')
