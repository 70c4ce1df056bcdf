// What lies above the page.
import 'element-plus/es/components/dialog/style/css'
import 'element-plus/es/components/drawer/style/css'

export { ElDialog, ElDrawer } from 'element-plus'
