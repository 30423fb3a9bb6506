// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveBroker

/// How many upgrades were asked for, in each tenth of a second of the last ten minutes.
struct UpgradeRate: Sendable {
  static let bucketMilliseconds = 100
  private static let bucketNanoseconds = Int64(bucketMilliseconds) * 1_000_000
  private static let limit = 6_000
  private static let bucketsPerSecond = 10

  /// A ring: the count of a bucket stands at its number modulo the size.
  private var ring: [Int] = []
  private var newest = Int64.min
  private var inLastSecond = 0
  /// The most within ten neighbouring buckets, since the beginning.
  private(set) var peakPerSecond = 0

  mutating func add(at instant: EngineInstant) {
    advance(to: instant)
    ring[Self.place(newest)] += 1
    inLastSecond += 1
    peakPerSecond = max(peakPerSecond, inLastSecond)
  }

  /// Begins the buckets up to the present one.
  mutating func advance(to instant: EngineInstant) {
    let bucket = instant.nanoseconds / Self.bucketNanoseconds
    guard bucket > newest else { return }
    if ring.isEmpty || bucket - newest >= Int64(Self.limit) {
      ring = [Int](repeating: 0, count: Self.limit)
      newest = bucket
    } else {
      for number in (newest + 1)...bucket { ring[Self.place(number)] = 0 }
      newest = bucket
    }
    inLastSecond = (0..<Self.bucketsPerSecond).reduce(0) {
      $0 + ring[Self.place(newest - Int64($1))]
    }
  }

  /// The counts, oldest first, from the first that is not zero; the last one is that of the present
  /// tenth of a second.
  var counts: [Int] {
    guard !ring.isEmpty else { return [] }
    let start = Self.place(newest) + 1
    return Array((ring[start...] + ring[..<start]).drop { $0 == 0 })
  }

  private static func place(_ bucket: Int64) -> Int {
    Int(bucket % Int64(limit) + Int64(limit)) % limit
  }
}
#endif
