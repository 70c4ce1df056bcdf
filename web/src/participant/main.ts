import { createApp } from 'vue'
import '@/shared/style/base.css'
import App from './App.vue'

createApp(App).mount('#app')
