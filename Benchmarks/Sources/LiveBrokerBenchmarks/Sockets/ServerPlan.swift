// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveBroker
import LiveEmulator

/// How the server's process is to serve; times in seconds.
struct ServerPlan: Codable, Sendable {
  var connectionLifetime = 3_600.0
  var goAwayNotice: Double?
  var firstHandleDelay = 0.1
  var handleInterval = 1.0
  var certificate: String?
  var key: String?

  var configuration: EmulatorServerConfiguration {
    var configuration = EmulatorServerConfiguration()
    configuration.service.connections.lifetime = .seconds(connectionLifetime)
    configuration.service.connections.goAwayNotice = goAwayNotice.map { .seconds($0) }
    configuration.service.sessions.firstHandleDelay = .seconds(firstHandleDelay)
    configuration.service.sessions.handleInterval = .seconds(handleInterval)
    configuration.service.model.verbosity = .brief
    configuration.service.accounts.itemsKept = 0
    configuration.service.notes = false
    if let certificate, let key {
      configuration.host = "localhost"
      configuration.identity = .files(certificateChain: certificate, privateKey: key)
    }
    return configuration
  }
}

/// What the server's process tells of itself when it is asked.
struct ServerAccount: Codable, Sendable {
  /// What it remembers of one session.
  struct Session: Codable, Sendable {
    var isLive: Bool
    var resumes: Int
    var audioBytes: Int
    var audioDigest: UInt64
    var texts: Int
  }

  var openFiles = 0
  var residentBytes = 0
  var connectionsOpen = 0
  var socketsOpen = 0
  var timersPending = 0
  var turnedAway = 0
  var minted = 0
  var started = 0
  var resumed = 0
  var setupsRefused = 0
  var goAways = 0
  var goAwaysIgnored = 0
  var drops = 0
  var promisesBroken = 0
  /// Kinds of the broken promises.
  var broken: [String] = []
  /// By label, the newest of each.
  var sessions: [String: Session] = [:]

  init(_ figures: ServerFigures, _ report: ServiceReport, withSessions: Bool) {
    openFiles = OpenFiles.count
    residentBytes = Memory.resident
    connectionsOpen = figures.connectionsOpen
    socketsOpen = figures.socketsOpen
    timersPending = figures.timersPending
    turnedAway = figures.turnedAway
    minted = report.totals.minted
    started = report.totals.sessionsStarted
    resumed = report.totals.sessionsResumed
    setupsRefused = report.totals.setupsRefused
    goAways = report.totals.goAways
    goAwaysIgnored = report.totals.goAwaysIgnored
    drops = report.totals.drops
    promisesBroken = report.totals.promisesBroken
    broken = report.promisesBroken.prefix(20).map { "\($0.kind)" }
    guard withSessions else { return }
    for session in report.sessions {
      guard let label = session.label else { continue }
      let tallies = session.remembered.tallies
      sessions[label] = Session(
        isLive: session.isLive, resumes: session.resumes, audioBytes: tallies.audio.bytes,
        audioDigest: session.remembered.audioDigest.value,
        texts: tallies.text.count + tallies.content.count)
    }
  }
}
#endif
