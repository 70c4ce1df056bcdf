// What tells how things are.
import 'element-plus/es/components/alert/style/css'
import 'element-plus/es/components/progress/style/css'
import 'element-plus/es/components/step/style/css'
import 'element-plus/es/components/steps/style/css'
import 'element-plus/es/components/tag/style/css'

export { ElAlert, ElProgress, ElStep, ElSteps, ElTag } from 'element-plus'
