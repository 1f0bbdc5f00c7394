"""What every experiment starts from: the seed's recipe, less what its network and data decide."""

from ml_collections import ConfigDict


def get_config(arg: str = "") -> ConfigDict:
    """The defaults; `arg` means nothing here."""
    del arg
    config = ConfigDict()
    config.seed = 0
    config.epochs = 100
    config.batch_size = 32  # of all devices together
    config.eval_batch_size = 64
    config.log_every = 0  # steps between lines of training metrics; 0 is once an epoch
    config.deterministic = True  # the same bits every time, on a GPU too, where it costs some speed
    config.implementation = "auto"  # "auto": the fastest here; "own": ours wherever it runs; "xla": stock XLA
    config.micro_batches = 1  # parts of a batch that are worked on one after another, for less memory
    config.rematerialise = False  # keep only the convolutions' outputs for the backward pass: less memory, more work

    config.model = ConfigDict()
    config.model.name = "towernet"
    config.model.num_classes = 0  # 0: as many as the data has
    config.model.attention = "auto"  # a spec such as "none" or "simam:e_lambda=0.1"; "auto" is the network's own
    config.model.placement = "auto"  # of the attention: its authors'; or "bn2", "conv3", "add" and the like; or "none"
    config.model.dtype = "float32"  # of the computation, or "bfloat16"

    config.data = ConfigDict()
    config.data.dir = ""  # a folder that `prepare` made, or "tfds:NAME"
    config.data.source = ""  # what `prepare` makes it from
    config.data.image_size = 256  # side of the square that the network sees
    config.data.resize_to = 0  # pixels of an image's shorter side before its centre is cut out; 0: all of it, squeezed
    config.data.random_resized_crop = 0.0  # least share of an image that training cuts out at random; 0: as above
    config.data.antialias = False  # the seed shrinks without
    config.data.cache_gb = 4.0  # a split whose decoded images fit is decoded once
    config.data.workers = -1  # decoding processes; -1: none where the cache holds the data, else one a spare core
    config.data.val_fraction = 0.0  # of every class's training images
    config.data.on_bad_record = "fail"  # or "skip"

    config.augment = ConfigDict()
    config.augment.rotation = 10.0  # degrees either way
    config.augment.flip = False
    config.augment.crop = 0  # pixels of black padding before a random crop

    config.optimizer = ConfigDict()
    config.optimizer.name = "sgd"  # the only one
    config.optimizer.momentum = 0.9
    config.optimizer.nesterov = False
    config.optimizer.weight_decay = 1e-4

    config.schedule = ConfigDict()
    config.schedule.name = "cosine"  # or "cosine_wave", the seed as it ran, "step" or "constant"
    config.schedule.learning_rate = 0.01
    config.schedule.warmup_epochs = 0.0
    config.schedule.t_max = 0  # of cosine_wave, in steps; 0: as many as epochs
    config.schedule.milestones = ()  # of step: epochs before which the rate falls, such as (82, 123)
    config.schedule.decay = 0.1  # of step: by this factor

    config.checkpoint = ConfigDict()
    config.checkpoint.every_epochs = 1
    config.checkpoint.best_metric = "accuracy"  # on val where there is one, else on eval
    config.checkpoint.best_above = 0.5  # the best so far starts here

    # Whether to split large parameters and momenta over the devices, for less memory on each.
    config.mesh = ConfigDict({"shard_state": False})
    return config.lock()
