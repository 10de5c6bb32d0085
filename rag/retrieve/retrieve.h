/*
 * retrieve: from a question to the passages that may answer it. Takes milliseconds: never on a
 * loop.
 *
 * Words (BM25F), likeness (hashed vectors, or an engine's) and the graph each propose; their
 * scores are put on one scale and added; the best are ranked again by how much of the question
 * they cover, how closely, and whether they stand under the heading the question asks for. Texts
 * that say the same once more are dropped. What covers too little is no evidence: a question
 * about something else finds nothing, and the answer says so.
 */
#ifndef RAG_RETRIEVE_RETRIEVE_H
#define RAG_RETRIEVE_RETRIEVE_H

#include "base/arena.h"
#include "rag/retrieve/corpus.h"
#include "rag/retrieve/question.h"

enum {
	RETRIEVE_LEXICAL_MAX = 500, /* proposed by words; likeness is scored on these */
	RETRIEVE_CANDIDATES = 200,
	RETRIEVE_RERANKED = 50,
	RETRIEVE_TOP_MAX = 50,
	RETRIEVE_TITLES_MAX = 3,
	RETRIEVE_REPAIRS_MAX = 4,
};

enum retrieve_mode {
	MODE_MIX, /* words, likeness and graph together */
	MODE_LEXICAL,
	MODE_NAIVE,  /* words and likeness */
	MODE_LOCAL,  /* what is linked to the things the question names */
	MODE_GLOBAL, /* relations of the kind the question asks about */
	MODE_HYBRID, /* local and global */
	MODE_BYPASS, /* no retrieval at all: the model alone */
	MODE_COUNT,
};
extern const char *const retrieve_mode_names[MODE_COUNT];

/* Which of the graph's two lists propose in that mode. */
void retrieve_reads_graph(enum retrieve_mode mode, bool *ret_local, bool *ret_global);

/* A word that no document has, and the one like it that was looked for instead. */
struct evidence_repair {
	struct bytes typed, taken;
};

struct evidence_scores {
	double bm25, vector, graph; /* each 0 … 1 among what was found */
	double rerank, final;
};

struct evidence_passage {
	struct passage passage; /* copied into the arena; score is scores.final, 0 … 1 */
	double coverage;	/* of the question's weight, 0 … 1 */
	struct evidence_scores scores;
	bool commands; /* tells its reader what to do */
	bool off_name; /* of none of the medicines that the question names */
};

/* What the graph has of the question, as names; copied into the arena. */
struct evidence_entity {
	struct bytes name, passage_id; /* the first passage that names it, of those allowed */
	enum entity_kind kind;
	uint32_t mentions;
};
struct evidence_relation {
	struct bytes from, to, passage_id;
	enum relation_kind kind;
	uint32_t evidence;
	float weight;
};

struct evidence {
	struct evidence_passage *ranked; /* all that was found, best first, `top` at most */
	unsigned ranked_count;
	struct evidence_passage *passages; /* those of them that may answer, best first */
	unsigned count;
	struct bytes titles[RETRIEVE_TITLES_MAX]; /* of the nearest documents */
	unsigned title_count;
	struct evidence_repair repairs[RETRIEVE_REPAIRS_MAX];
	unsigned repair_count;
	struct evidence_entity *entities;
	unsigned entity_count;
	struct evidence_relation *relations; /* strongest first */
	unsigned relation_count;
	uint64_t generation;
	uint64_t candidates; /* how many were looked at */
};

/* A passage that an engine proposes, and how much: ids that nobody has are passed over. */
struct retrieve_hint {
	struct bytes id;
	float score;
};

/* What a graph elsewhere says of two entities, by their keys in ours. */
struct retrieve_saying {
	struct bytes from, to;
	enum relation_kind kind;
	float weight;
	const struct bytes *passages; /* that say so */
	unsigned passage_count;
};
struct retrieve_told {
	const struct retrieve_saying *at;
	unsigned count;
};

struct retrieve_options {
	enum retrieve_mode mode;
	unsigned top;	      /* 1 … RETRIEVE_TOP_MAX */
	const json_t *filter; /* checked; NULL for none; borrowed */
	double score_min;     /* of scores.final */
	bool no_rerank;
	bool loose;	   /* the text says more than what is asked, as the words of a table do */
	struct bytes text; /* the question as typed, for likeness */
	struct bytes previous;	   /* the one before it, or empty */
	const struct dense *dense; /* the question's, of an embeddings engine; NULL: none */
	/* Those nearest to it, where a database found them; NULL: every vector is compared here. */
	const struct retrieve_hint *near;
	unsigned near_count;
	/*
	 * In place of what our own graph says: of the things the question names (local), and of
	 * those that its words touch (global). NULL: ours.
	 */
	const struct retrieve_told *told_named, *told_touched;
};

/*
 * A word of five letters or more that no document has is taken for one that is a slip or two away,
 * if there is one: drug names are misspelt often. Since they are also alike, the evidence says so,
 * and whoever shows an answer tells the reader.
 *
 * Sets the weights of the question's terms on the way. Finding nothing is ERR_OK with count 0;
 * ERR_NOMEM.
 */
/*
 * Puts what was ranked into the order of an engine's scores (below 0: not scored, kept behind),
 * and chooses anew what may answer.
 */
void evidence_reorder(struct evidence *evidence, const double *scores, bool loose);

err_t retrieve(struct corpus *corpus, struct question *question,
	       const struct retrieve_options *options, struct arena *arena,
	       struct evidence *ret_evidence);

#endif
