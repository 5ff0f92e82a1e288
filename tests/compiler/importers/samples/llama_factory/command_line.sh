# Everything on the command line, as in older releases.
CUDA_VISIBLE_DEVICES=0,1 accelerate launch --num_processes 2 src/train.py \
    --stage sft --do_train \
    --model_name_or_path Qwen/Qwen2.5-7B-Instruct \
    --dataset tickets --dataset_dir data --template qwen \
    --finetuning_type lora --lora_target q_proj,v_proj \
    --output_dir saves/old --overwrite_cache --per_device_train_batch_size 4 \
    --gradient_accumulation_steps 4 --lr_scheduler_type cosine --logging_steps 10 \
    --save_steps 1000 --learning_rate 5e-5 --num_train_epochs 3.0 --plot_loss --fp16
