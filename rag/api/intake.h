/*
 * intake: the doors documents come in by. Each is work for a task: checks the request, hands the
 * documents to ingest in one piece, and says which job reads them.
 */
#ifndef RAG_API_INTAKE_H
#define RAG_API_INTAKE_H

#include "rag/api/task.h"

void intake_upload(struct task *task);	     /* POST /documents/upload */
void intake_text(struct task *task);	     /* POST /documents/text */
void intake_texts(struct task *task);	     /* POST /documents/texts */
void intake_content_list(struct task *task); /* POST /documents/content_list */
void intake_process(struct task *task);	     /* POST /documents/process */

#endif
