// Tables.
import 'element-plus/es/components/table/style/css'
import 'element-plus/es/components/table-column/style/css'

export { ElTable, ElTableColumn } from 'element-plus'
