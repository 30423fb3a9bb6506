// SPDX-License-Identifier: Apache-2.0

/// The result of a tour, or of a talk.
struct TourSummary: Equatable, Sendable {
  var run: RunFigures
  var sessions: Int
  var live: Int
  var rotations: Int
  var rotationsPerSession: Extremes
  var renewals: Int
  var renewalsPerSession: Extremes
  var unplannedDrops: Int
  var resumed: Int
  var freshStarts: Int
  var toolCalls: Int
  var receivedFromModelBytes: Int
  var audio: AudioAccount
  var gap: Percentiles
  var held: Percentiles
  var recovery: Percentiles

  init(sessions: [SessionFigures], run: RunFigures) {
    func sum(_ count: KeyPath<SessionFigures, Int>) -> Int {
      sessions.reduce(0) { $0 + $1[keyPath: count] }
    }
    self.run = run
    self.sessions = sessions.count
    live = sessions.count(where: \.isLive)
    rotations = sum(\.rotations)
    rotationsPerSession = Extremes(of: sessions.lazy.map(\.rotations))
    renewals = sum(\.renewals)
    renewalsPerSession = Extremes(of: sessions.lazy.map(\.renewals))
    unplannedDrops = sum(\.unplannedDrops)
    resumed = sum(\.resumed)
    freshStarts = sum(\.freshStarts)
    toolCalls = sum(\.toolCalls)
    receivedFromModelBytes = sum(\.receivedFromModelBytes)
    audio = sessions.reduce(into: AudioAccount()) { $0 += $1.audio }
    gap = Percentiles(of: sessions.lazy.flatMap(\.gaps))
    held = Percentiles(of: sessions.lazy.flatMap(\.held))
    recovery = Percentiles(of: sessions.lazy.flatMap(\.recoveries))
  }
}

extension TourSummary {
  /// What must be true of every run, whatever its flags, each with whether it was.
  var verdicts: [(claim: String, holds: Bool)] {
    [
      ("every session is live", live == sessions),
      ("no promise was broken", run.promisesBroken.isEmpty),
    ] + (run.isWitnessed ? memoryVerdicts : [])
  }

  /// What only somebody can tell who knows what the service remembers.
  private var memoryVerdicts: [(claim: String, holds: Bool)] {
    [
      ("every session's audio is remembered exactly", audio.sessionsExact == sessions),
      ("nothing is remembered twice", audio.duplicatedBytes == 0),
      ("nothing is remembered out of order", audio.reorderedBytes == 0),
      (
        "nothing is lost in silence",
        audio.lostBytes <= audio.reportedLostBytes + audio.uncertainBytes
      ),
    ]
  }

  /// Whether the process may end with exit code 0.
  var holds: Bool { verdicts.allSatisfy(\.holds) }

  /// One object on one line, without a line break at its end.
  var json: String {
    var line = JSONLine()
    line.add("sessions", sessions)
    line.add("live", live)
    line.add("virtualSeconds", run.virtual.inSeconds)
    line.add("wallSeconds", run.wall.inSeconds)
    line.add("rotations", rotations)
    line.add("rotationsPerSession", rotationsPerSession.json)
    line.add("renewals", renewals)
    line.add("renewalsPerSession", renewalsPerSession.json)
    line.add("unplannedDrops", unplannedDrops)
    line.add("resumed", resumed)
    line.add("freshStarts", freshStarts)
    line.add("tokensMinted", run.tokensMinted)
    line.add("tokensExpiredUnused", run.tokensExpiredUnused)
    line.add("toolCalls", toolCalls)
    line.add("audio", audioJSON)
    line.add("rttMilliseconds", run.roundTrip?.milliseconds)
    line.add("setupMilliseconds", run.setup?.milliseconds)
    line.add("gapMilliseconds", gap.json)
    line.add("heldMilliseconds", held.json)
    line.add("recoveryMilliseconds", recovery.json)
    line.add("storm", run.storm?.json)
    let broken = run.promisesBroken.count
    line.add("promisesBroken", run.isWitnessed || broken > 0 ? broken : nil)
    line.add("seed", run.seed)
    line.add("traceHash", run.traceHash)
    return line.text
  }

  private var audioJSON: JSONLine {
    var line = JSONLine()
    line.add("sentBytes", audio.sentBytes)
    line.add("rememberedBytes", witnessed(audio.rememberedBytes))
    line.add("lostBytes", witnessed(audio.lostBytes))
    line.add("reportedLostBytes", audio.reportedLostBytes)
    line.add("uncertainBytes", audio.uncertainBytes)
    line.add("duplicatedBytes", witnessed(audio.duplicatedBytes))
    line.add("reorderedBytes", witnessed(audio.reorderedBytes))
    line.add("receivedFromModelBytes", receivedFromModelBytes)
    line.add("sessionsExact", witnessed(audio.sessionsExact))
    return line
  }

  /// A figure of what the service remembers, where it tells.
  private func witnessed(_ figure: Int) -> Int? { run.isWitnessed ? figure : nil }
}

extension Percentiles {
  fileprivate var json: JSONLine {
    var line = JSONLine()
    line.add("p50", p50)
    line.add("p99", p99)
    line.add("max", max)
    return line
  }
}

extension Extremes {
  fileprivate var json: JSONLine {
    var line = JSONLine()
    line.add("min", min)
    line.add("max", max)
    return line
  }
}

extension StormFigures {
  /// Upgrades per session that had been dropped; 0 if none had.
  var attemptsPerSession: Double { sessions == 0 ? 0 : Double(attempts) / Double(sessions) }

  /// How long a service that admits so many per second needs for all; 0 if it admits any number.
  var idealSeconds: Double { admittedPerSecond.map { Double(sessions) / Double($0) } ?? 0 }

  fileprivate var json: JSONLine {
    var line = JSONLine()
    line.add("sessions", sessions)
    line.add("attemptsPerSession", attemptsPerSession)
    line.add("lastBackSeconds", lastBack.inSeconds)
    line.add("idealSeconds", idealSeconds)
    line.add("peakDialsPerSecond", peakDialsPerSecond)
    return line
  }
}
