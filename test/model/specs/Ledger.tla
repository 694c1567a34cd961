------------------------------- MODULE Ledger -------------------------------
(* The ledger's change of keeper, seen at one key that is a lock.

   What the code does: lib/state/amqp/ledger-keeper.ts, keeper-log.ts and
   releases.ts. The state is what lies in a queue of records; whoever consumes
   it is the keeper. It decides a request, writes what follows as a record, and
   answers when that record, and all before it, are confirmed. A record that
   another has outdated is acknowledged once that other one is confirmed; one
   that says that something is gone, only when the acknowledgements of what it
   outdates are safe. The next keeper reads all that is left, in order.

   A keeper that is frozen for too long is one whose channel the server has
   closed: it may go on thinking, but what it writes and answers goes by that
   channel, and reaches nobody. So `Change` stands for its death as well. *)
EXTENDS Naturals, Sequences, FiniteSets, TLC

CONSTANTS
  Clients,
  MaxRecords,
  MaxAsked,
  MaxFaults,
  Mistake      \* "none", or what is done wrong on purpose

VARIABLES
  record,      \* what became of each record, by its number
  written,     \* so many were written
  queue,       \* the numbers of those that arrived, in this order
  phase,       \* of the keeper: "none", "keeping"
  state,       \* the keeper's: who has the key, which record says so, and what earlier keepers had done
  outdated,    \* the keeper's: which records may go, and when
  answers,     \* the keeper's: decided, and not yet told
  requests,    \* at the server, or in the keeper's hands
  client,      \* what each client does, and knows
  asked,       \* so many requests were made
  faults

vars == <<record, written, queue, phase, state, outdated, answers, requests, client, asked, faults>>

None == "none"
Ids == 1..MaxRecords

Unwritten == [says |-> "nothing", who |-> None, asked |-> 0, at |-> "nowhere", disk |-> FALSE, known |-> FALSE, proof |-> 0]
Empty == [who |-> None, by |-> 0, done |-> {}]
(* needs: the record whose confirm says that this one is outdated for good; proof: the one that says that what it outdates has gone. *)
Current == [needs |-> 0, instead |-> 0, gone |-> FALSE, proof |-> 0]

Init ==
  /\ record = [i \in Ids |-> Unwritten]
  /\ written = 0
  /\ queue = <<>>
  /\ phase = "none"
  /\ state = Empty
  /\ outdated = [i \in Ids |-> Current]
  /\ answers = <<>>
  /\ requests = {}
  /\ client = [c \in Clients |-> "idle"]
  /\ asked = 0
  /\ faults = 0

IsLeft(i) == record[i].at = "queued"
Left == SelectSeq(queue, IsLeft)

(* Who has the key, by what a keeper would read. *)
RECURSIVE Read(_, _)
Read(ids, who) ==
  IF ids = <<>> THEN who
  ELSE LET r == record[Head(ids)] IN
       Read(Tail(ids), CASE r.says = "taken" -> r.who [] r.says = "freed" -> None [] OTHER -> who)

UpTo == IF \A i \in 1..written : record[i].known THEN written
        ELSE (CHOOSE i \in 1..written : ~record[i].known /\ \A j \in 1..(i - 1) : record[j].known) - 1

----------------------------------------------------------------------------
(* The keeper. *)

Says(says, who, n) == [says |-> says, who |-> who, asked |-> n, at |-> "sending", disk |-> FALSE, known |-> FALSE, proof |-> 0]

(* What it outdates may go when it is confirmed; it itself too, where it says that nothing is there any more. *)
Outdating(old, i, says) == [k \in Ids |->
  CASE k = old -> [outdated[k] EXCEPT !.needs = i, !.instead = i]
    [] k = i /\ says # "taken" -> [outdated[k] EXCEPT !.needs = i]
    [] OTHER -> outdated[k]]

Write(says, who, n) ==
  /\ written < MaxRecords
  /\ written' = written + 1
  /\ record' = [record EXCEPT ![written + 1] = Says(says, who, n)]
  /\ outdated' = Outdating(IF says = "checkpoint" THEN 0 ELSE state.by, written + 1, says)
  /\ state' = CASE says = "taken" -> [state EXCEPT !.who = who, !.by = written + 1]
                [] says = "freed" -> [state EXCEPT !.who = None, !.by = 0]
                [] OTHER -> state

Answer(r, what) == [who |-> r.who, asked |-> r.asked, kind |-> r.kind, what |-> what, needs |-> written']

(* A request that an earlier keeper had is never done anew: what that one answered is not known here. *)
Decide(r) ==
  CASE r.again /\ Mistake # "repeated-anew" ->
         /\ UNCHANGED <<record, written, outdated, state>>
         /\ answers' = Append(answers, Answer(r, IF r.asked \in state.done THEN "yes" ELSE "again"))
    [] r.kind = "take" /\ state.who = None ->
         Write("taken", r.who, r.asked) /\ answers' = Append(answers, Answer(r, "yes"))
    [] r.kind = "free" /\ state.who = r.who ->
         Write("freed", r.who, r.asked) /\ answers' = Append(answers, Answer(r, "yes"))
    [] OTHER ->
         /\ UNCHANGED <<record, written, outdated, state>>
         /\ answers' = Append(answers, Answer(r, state.who))

Serve(r) ==
  /\ phase = "keeping" /\ r \in requests /\ r.at = "queued"
  /\ Decide(r)
  /\ requests' = (requests \ {r}) \cup {[r EXCEPT !.at = "held"]}
  /\ UNCHANGED <<queue, phase, client, asked, faults>>

(* What the client makes of what it is told. A lock that is its own already is its own. *)
Told(a) ==
  IF client[a.who] # a.kind THEN client[a.who]
  ELSE CASE a.what = "again" -> "idle-" \o a.kind
         [] a.kind = "free" -> "freed"
         [] a.what = "yes" \/ a.what = a.who -> "owner"
         [] OTHER -> "idle"

(* A reply only to a request that is still waited for; the request is acknowledged at the same time. *)
Tell ==
  /\ answers # <<>>
  /\ LET a == Head(answers) IN
     /\ a.needs <= UpTo \/ Mistake = "answer-unconfirmed"
     /\ client' = [client EXCEPT ![a.who] = IF \E r \in requests : r.asked = a.asked /\ r.wanted THEN Told(a) ELSE @]
     (* Its acknowledgement may be lost with the keeper: then the next one gets it once more, though nobody waits. *)
     /\ LET others == {r \in requests : r.asked # a.asked} IN
        \/ requests' = others
        \/ requests' = others \cup {[r EXCEPT !.at = "told", !.wanted = FALSE] : r \in requests \ others}
  /\ answers' = Tail(answers)
  /\ UNCHANGED <<record, written, queue, phase, state, outdated, asked, faults>>

Predecessors(i) == {k \in Ids : outdated[k].instead = i}

MayGo(i) ==
  /\ outdated[i].needs # 0 /\ ~outdated[i].gone /\ record[i].at = "queued"
  /\ outdated[i].needs <= UpTo \/ Mistake = "released-unconfirmed"
  /\ \A k \in Predecessors(i) : outdated[k].gone
  /\ outdated[i].instead # 0 \/ outdated[i].proof <= UpTo \/ Mistake = "released-without-proof"

(* It goes by the channel by which records are written: whichever is written later and is safe proves that this is.
   One that is lost with the channel is one that was never sent. *)
Release(i) ==
  /\ phase = "keeping" /\ MayGo(i)
  /\ record' = [record EXCEPT ![i].at = "acked", ![i].proof = written + 1]
  /\ outdated' = [k \in Ids |-> CASE k = i -> [outdated[k] EXCEPT !.gone = TRUE]
                                  [] k = outdated[i].instead -> [outdated[k] EXCEPT !.proof = written + 1]
                                  [] OTHER -> outdated[k]]
  /\ UNCHANGED <<written, queue, phase, state, answers, requests, client, asked, faults>>

(* Says nothing. Once it is confirmed, so is what went before. *)
Checkpoint ==
  /\ phase = "keeping" /\ UpTo = written
  /\ \E i \in 1..written : outdated[i].needs # 0 /\ ~outdated[i].gone /\ record[i].at = "queued" /\ ~MayGo(i)
  /\ Write("checkpoint", None, 0)
  /\ UNCHANGED <<queue, phase, answers, requests, client, asked, faults>>

(* Written anew in time, because a delivery must not stay unsettled for too long. *)
Renew ==
  /\ phase = "keeping" /\ state.by # 0
  /\ Write("taken", state.who, record[state.by].asked)
  /\ UNCHANGED <<queue, phase, answers, requests, client, asked, faults>>

(* It reads what is left, in order, and writes a checkpoint: what it tells rests on that. *)
RECURSIVE Replayed(_, _, _)
Replayed(ids, s, o) ==
  IF ids = <<>> THEN [s |-> s, o |-> o]
  ELSE LET i == Head(ids)
           r == record[i]
           old == IF r.says = "checkpoint" \/ s.by = 0 THEN o ELSE [o EXCEPT ![s.by].needs = written + 1, ![s.by].instead = i]
           new == IF r.says = "taken" THEN old ELSE [old EXCEPT ![i].needs = written + 1]
           done == IF r.says = "checkpoint" THEN s.done ELSE s.done \cup {r.asked}
           now == CASE r.says = "taken" -> [who |-> r.who, by |-> i, done |-> done]
                    [] r.says = "freed" -> [who |-> None, by |-> 0, done |-> done]
                    [] OTHER -> s
       IN Replayed(Tail(ids), now, new)

Take ==
  /\ phase = "none" /\ written < MaxRecords
  /\ LET found == Replayed(Left, Empty, [i \in Ids |-> Current]) IN
     /\ state' = found.s
     /\ outdated' = [found.o EXCEPT ![written + 1].needs = written + 1]
  /\ written' = written + 1
  /\ record' = [i \in Ids |-> CASE i = written + 1 -> Says("checkpoint", None, 0)
                                [] i <= written -> [record[i] EXCEPT !.known = TRUE]
                                [] OTHER -> record[i]]
  /\ phase' = "keeping"
  /\ UNCHANGED <<queue, answers, requests, client, asked, faults>>

----------------------------------------------------------------------------
(* The server. *)

(* What goes by one channel arrives in its order. *)
Arrive(i) ==
  /\ record[i].at = "sending"
  /\ \A j \in 1..(i - 1) : record[j].at # "sending" \/ Mistake = "late-writes"
  /\ record' = [record EXCEPT ![i].at = "queued"]
  /\ queue' = Append(queue, i)
  /\ UNCHANGED <<written, phase, state, outdated, answers, requests, client, asked, faults>>

(* On its disk, and so is what earlier keepers wrote, and all acknowledgements that were sent before it was written. *)
Confirm(i) ==
  /\ phase = "keeping" /\ record[i].at = "queued" /\ ~record[i].known
  /\ record' = [k \in Ids |->
       CASE k = i -> [record[k] EXCEPT !.known = TRUE, !.disk = TRUE]
         [] k < i /\ record[k].known -> [record[k] EXCEPT !.disk = TRUE, !.at = IF @ = "acked" /\ record[k].proof <= i THEN "gone" ELSE @]
         [] OTHER -> record[k]]
  /\ UNCHANGED <<written, queue, phase, state, outdated, answers, requests, client, asked, faults>>

----------------------------------------------------------------------------
(* Clients: each takes the key, and frees it, once. *)

Ask(c, kind) ==
  /\ asked' = asked + 1
  /\ client' = [client EXCEPT ![c] = kind]
  /\ requests' = requests \cup {[who |-> c, kind |-> kind, asked |-> asked + 1, at |-> "queued", again |-> FALSE, wanted |-> TRUE]}
  /\ UNCHANGED <<record, written, queue, phase, state, outdated, answers, faults>>

AskToTake(c) == client[c] \in {"idle", "idle-take"} /\ asked < MaxAsked /\ Ask(c, "take")
AskToFree(c) == client[c] \in {"owner", "idle-free"} /\ asked < MaxAsked /\ Ask(c, "free")

----------------------------------------------------------------------------
(* Faults. *)

Fault == faults < MaxFaults /\ faults' = faults + 1

(* Of what the keeper wrote last, as much may have arrived as it likes. *)
Arrived(n) == [i \in Ids |->
  IF record[i].at # "sending" THEN record[i]
  ELSE [record[i] EXCEPT !.at = IF i <= n THEN "queued" ELSE IF Mistake = "late-writes" THEN "sending" ELSE "lost"]]

Sending == {i \in Ids : record[i].at = "sending"}
Numbers(n) == [k \in 1..Cardinality({i \in Sending : i <= n}) |-> CHOOSE i \in Sending : Cardinality({j \in Sending : j < i}) = k - 1]

Change ==
  /\ phase = "keeping" /\ Fault
  /\ \E n \in {0} \cup Sending : record' = Arrived(n) /\ queue' = queue \o Numbers(n)
  /\ phase' = "none" /\ state' = Empty /\ outdated' = [i \in Ids |-> Current] /\ answers' = <<>>
  /\ requests' = {[r EXCEPT !.again = @ \/ r.at # "queued", !.at = "queued"] : r \in requests}
  /\ UNCHANGED <<written, client, asked>>

(* Who asked and was not answered does not know: it asks again. *)
Unanswered(c) == CASE client[c] = "take" -> "idle-take" [] client[c] = "free" -> "idle-free" [] OTHER -> client[c]

CrashServer ==
  /\ Fault
  /\ \E lost \in SUBSET {i \in Ids : record[i].at = "queued" /\ ~record[i].disk} :
     \E back \in SUBSET {i \in Ids : record[i].at = "acked"} :
       record' = [i \in Ids |->
         CASE i \in lost \/ record[i].at = "sending" -> [record[i] EXCEPT !.at = "lost"]
           [] i \in back \/ record[i].at = "queued" -> [record[i] EXCEPT !.at = "queued", !.disk = TRUE]
           [] OTHER -> record[i]]
  /\ phase' = "none" /\ state' = Empty /\ outdated' = [i \in Ids |-> Current] /\ answers' = <<>>
  /\ requests' = {}
  /\ client' = [c \in Clients |-> Unanswered(c)]
  /\ UNCHANGED <<written, queue, asked>>

----------------------------------------------------------------------------

Work ==
  \/ Take \/ Tell \/ Checkpoint \/ Renew
  \/ \E i \in Ids : Release(i) \/ Arrive(i) \/ Confirm(i)
  \/ \E r \in requests : Serve(r)
  \/ \E c \in Clients : AskToTake(c) \/ AskToFree(c)

Next == Work \/ Change \/ CrashServer

Spec == Init /\ [][Next]_vars

----------------------------------------------------------------------------
(* What users pay for. *)

Owners == {c \in Clients : client[c] = "owner"}

OneOwner == Cardinality(Owners) <= 1

(* Whatever happens next, the next keeper finds it so. *)
OwnerIsKept == \A c \in Owners : Read(Left, None) = c

(* What was deleted does not come back. *)
FreedStaysFree == \A c \in Clients : client[c] = "freed" => Read(Left, None) # c

(* Nobody has the key who was told that it is somebody else's. *)
NobodyUnknowing == \A c \in Clients : client[c] = "idle" => Read(Left, None) # c
=============================================================================
