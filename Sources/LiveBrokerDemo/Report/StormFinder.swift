// SPDX-License-Identifier: Apache-2.0

import LiveBroker

/// Finds the storm among the losses of many sessions: the moment in which half of them or more lost
/// their connection together.
struct StormFinder: Sendable {
  /// Losses that are not further apart belong together.
  static let width = Duration.seconds(2)

  /// Losses that belong together.
  struct Cluster: Sendable, Equatable {
    var first: EngineInstant
    var sessions = 0
    var lastBack = EngineInstant.zero
  }

  let sessions: Int
  private(set) var current: Cluster?
  /// The largest storm so far.
  private(set) var storm: Cluster?

  init(sessions: Int) { self.sessions = sessions }

  /// Takes in a loss from which a session has come back. True if this one makes a storm of it.
  mutating func noteLoss(at lost: EngineInstant, back: EngineInstant) -> Bool {
    var cluster = current ?? Cluster(first: lost)
    let distance = cluster.first.duration(to: lost)
    if distance > Self.width || distance < .zero - Self.width { cluster = Cluster(first: lost) }
    cluster.first = min(cluster.first, lost)
    cluster.sessions += 1
    cluster.lastBack = max(cluster.lastBack, back)
    current = cluster
    // One session, or two, are no storm.
    let needed = max(3, (sessions + 1) / 2)
    if cluster.sessions >= needed, cluster.sessions >= storm?.sessions ?? 0 { storm = cluster }
    return cluster.sessions == needed
  }
}
