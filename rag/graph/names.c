#include "rag/graph/names.h"

#include <pthread.h>

enum {
	LEXICON_CAP = 1024, /* places in the table of known names: a power of two */
	SUFFIX_WORD_MIN = 6,
};

/* Our own list, from what labels and leaflets speak of. Separated by commas. */
static const struct {
	enum entity_kind kind;
	const char *names;
} lists[] = {
	{ ENTITY_CONDITION,
	  "heart attack,myocardial infarction,stroke,angina,heart failure,hypertension,high blood "
	  "pressure,diabetes,tuberculosis,cancer,lymphoma,leukemia,melanoma,hepatitis,hepatitis B,"
	  "psoriasis,plaque psoriasis,rheumatoid arthritis,arthritis,Crohn's disease,ulcerative "
	  "colitis,uveitis,asthma,COPD,pneumonia,sepsis,infection,serious infections,bacterial "
	  "infection,fungal infection,histoplasmosis,HIV,influenza,common cold,malaria,migraine,"
	  "epilepsy,depression,insomnia,anxiety,hyperlipidemia,hypercholesterolemia,dyslipidemia,"
	  "coronary heart disease,liver disease,kidney disease,renal impairment,hepatic "
	  "impairment,multiple sclerosis,lupus,anemia,osteoporosis,gout,obesity,allergy,"
	  "anaphylaxis,rhabdomyolysis,myopathy,liver failure,renal failure,heartburn,reflux,"
	  "demyelinating disease,malignancy,hidradenitis suppurativa,glaucoma,emphysema,"
	  "chronic bronchitis,enlarged prostate" },
	{ ENTITY_EFFECT,
	  "nausea,vomiting,headache,dizziness,rash,diarrhea,diarrhoea,constipation,fatigue,"
	  "drowsiness,fever,cough,pain,muscle pain,muscle weakness,joint pain,back pain,abdominal "
	  "pain,chest pain,stomach pain,itching,hives,swelling,bleeding,bruising,dry mouth,"
	  "sweating,tremor,palpitations,shortness of breath,weight gain,weight loss,hair loss,"
	  "jaundice,dark urine,sore throat,injection site reaction,hypersensitivity,confusion,"
	  "memory loss,sleeplessness,nervousness,upset stomach,indigestion,excitability,"
	  "photosensitivity,hypotension,liver enzyme abnormalities,mucus,phlegm" },
	{ ENTITY_POPULATION,
	  "children,pediatric patients,adolescents,elderly,older adults,geriatric patients,"
	  "pregnant women,pregnancy,nursing mothers,breastfeeding,lactation,infants,adults,women of "
	  "childbearing potential" },
	{ ENTITY_FORM,
	  "tablet,capsule,prefilled syringe,pen,vial,solution,suspension,cream,ointment,injection,"
	  "syrup,lozenge,patch,inhaler,drops,extended-release tablet" },
	{ ENTITY_ROUTE, "oral,subcutaneous,intravenous,intramuscular,topical,inhalation,by mouth" },
	{ ENTITY_CLASS,
	  "statin,HMG-CoA reductase inhibitor,TNF blocker,tumor necrosis factor blocker,NSAID,"
	  "antibiotic,antihistamine,anticoagulant,antidepressant,MAO inhibitor,monoamine oxidase "
	  "inhibitor,beta blocker,ACE inhibitor,corticosteroid,immunosuppressant,opioid,painkiller,"
	  "oral contraceptive,antacid,decongestant,expectorant,cough suppressant,live vaccine,"
	  "vaccine,fibrate,protease inhibitor,antifungal,biologic" },
	{ ENTITY_DRUG,
	  "aspirin,warfarin,digoxin,cyclosporine,methotrexate,anakinra,abatacept,niacin,rifampin,"
	  "clarithromycin,itraconazole,gemfibrozil,colchicine,diltiazem,erythromycin,dextromethorphan,"
	  "guaifenesin,paracetamol,acetaminophen,insulin,heparin,morphine,codeine,metformin,"
	  "alcohol,grapefruit juice,caffeine,vitamin D,omeprazole,prednisone,azathioprine,"
	  "theophylline,cimetidine,norethindrone,ethinyl estradiol,tipranavir,ritonavir,telaprevir,"
	  "boceprevir,nelfinavir,fosamprenavir,darunavir,saquinavir,lopinavir,efavirenz,cetirizine,"
	  "loratadine,clopidogrel" },
};

#define ENDING(letters, kind)                               \
	{                                                   \
		letters, sizeof(letters) - 1, ENTITY_##kind \
	}
static const struct {
	const char *ending;
	size_t len;
	enum entity_kind kind;
} endings[] = {
	ENDING("mab", DRUG),	   ENDING("statin", DRUG),     ENDING("pril", DRUG),
	ENDING("sartan", DRUG),	   ENDING("azole", DRUG),      ENDING("cillin", DRUG),
	ENDING("mycin", DRUG),	   ENDING("olol", DRUG),       ENDING("dipine", DRUG),
	ENDING("profen", DRUG),	   ENDING("floxacin", DRUG),   ENDING("tidine", DRUG),
	ENDING("setron", DRUG),	   ENDING("triptan", DRUG),    ENDING("gliptin", DRUG),
	ENDING("glitazone", DRUG), ENDING("xaban", DRUG),      ENDING("navir", DRUG),
	ENDING("zepam", DRUG),	   ENDING("formin", DRUG),     ENDING("lukast", DRUG),
	ENDING("cycline", DRUG),   ENDING("limus", DRUG),      ENDING("kinra", DRUG),
	ENDING("itis", CONDITION), ENDING("emia", CONDITION),  ENDING("aemia", CONDITION),
	ENDING("osis", CONDITION), ENDING("pathy", CONDITION), ENDING("algia", EFFECT),
	ENDING("uria", CONDITION), ENDING("penia", CONDITION), ENDING("oma", CONDITION),
};

struct known {
	char key[NAME_KEY_MAX];
	enum entity_kind kind;
};

static struct known lexicon[LEXICON_CAP];
static uint64_t lexicon_leads[LEXICON_CAP / 64]; /* a bit for the first stem of names of several */
static pthread_once_t lexicon_once = PTHREAD_ONCE_INIT;

bool name_key_add(char key[NAME_KEY_MAX], size_t *len, const struct word *word)
{
	if (word->is_stop || word->stem_len == 0)
		return true;
	if (*len + word->stem_len + 2 > NAME_KEY_MAX)
		return false;
	if (*len)
		key[(*len)++] = ' ';
	memcpy(key + *len, word->stem, word->stem_len);
	*len += word->stem_len;
	return true;
}

bool name_key(struct bytes name, char ret_key[NAME_KEY_MAX])
{
	size_t len = 0;
	struct word word;

	for (size_t at = 0; words_next(name, &at, &word) && name_key_add(ret_key, &len, &word);)
		;
	ret_key[len] = '\0';
	return len > 1;
}

static struct known *lexicon_place(const char *key)
{
	size_t i = (size_t)bytes_hash(bytes_of(key), 5) & (LEXICON_CAP - 1);

	while (lexicon[i].key[0] && strcmp(lexicon[i].key, key) != 0)
		i = (i + 1) & (LEXICON_CAP - 1);
	return &lexicon[i];
}

static unsigned lead_bit(struct bytes stem)
{
	return (unsigned)bytes_hash(stem, 5) & (LEXICON_CAP - 1);
}

static void lead_note(const char *key)
{
	struct bytes rest = bytes_of(key), first;
	unsigned bit;

	bytes_cut(&rest, ' ', &first);
	bit = lead_bit(first);
	if (rest.at)
		lexicon_leads[bit / 64] |= UINT64_C(1) << bit % 64;
}

static void lexicon_fill(void)
{
	unsigned count = 0;

	for (size_t i = 0; i < COUNT(lists); i++) {
		struct bytes rest = bytes_of(lists[i].names), name;

		while (bytes_cut(&rest, ',', &name)) {
			char key[NAME_KEY_MAX];
			struct known *known;

			if (!name_key(name, key))
				continue;
			known = lexicon_place(key);
			memcpy(known->key, key, sizeof key);
			known->kind = lists[i].kind;
			lead_note(key);
			count++;
		}
	}
	assert(count < LEXICON_CAP / 2);
}

bool name_is_listed(const char *key, enum entity_kind *ret_kind)
{
	const struct known *known;

	pthread_once(&lexicon_once, lexicon_fill);
	known = lexicon_place(key);
	if (!known->key[0])
		return false;
	*ret_kind = known->kind;
	return true;
}

bool name_may_begin(struct bytes stem)
{
	unsigned bit = lead_bit(stem);

	pthread_once(&lexicon_once, lexicon_fill);
	return lexicon_leads[bit / 64] >> bit % 64 & 1;
}

/* "CYP3A4", "OATP1B1", "P-gp" is left to the list of runs. */
static bool is_enzyme(struct bytes word)
{
	static const char *const roots[] = { "CYP", "OATP", "UGT", "OCT", "BCRP", "MRP" };

	for (size_t i = 0; i < COUNT(roots); i++) {
		struct bytes root = bytes_of(roots[i]);

		if (bytes_starts(word, root) && word.len > root.len && word.at[root.len] >= '0' &&
		    word.at[root.len] <= '9')
			return true;
	}
	return bytes_eq_str(word, "BCRP");
}

static bool ending_of(struct bytes word, enum entity_kind *ret_kind)
{
	for (size_t i = 0; word.len >= SUFFIX_WORD_MIN && i < COUNT(endings); i++) {
		struct bytes ending = { endings[i].ending, endings[i].len };

		/* The last letter tells most of them apart. */
		if (ascii_lower(word.at[word.len - 1]) != ending.at[ending.len - 1])
			continue;
		if (bytes_eq_nocase(bytes_from(word, word.len - size_min(ending.len, word.len)),
				    ending)) {
			*ret_kind = endings[i].kind;
			return true;
		}
	}
	return false;
}

bool name_kind(struct bytes word, const char *key, enum entity_kind *ret_kind)
{
	if (is_enzyme(word)) {
		*ret_kind = ENTITY_ENZYME;
		return true;
	}
	if (key[0] && key[1] && name_is_listed(key, ret_kind))
		return true;
	return ending_of(word, ret_kind);
}
